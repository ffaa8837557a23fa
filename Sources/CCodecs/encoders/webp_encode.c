#include "webp_encode.h"

#include <stdlib.h>
#include <string.h>
#include <webp/encode.h>

bool codec_encode_webp(const uint8_t *pixels, int width, int height, float quality, uint8_t **data,
                       size_t *size) {
  uint8_t *encoded = NULL;
  *data = NULL;
  *size = WebPEncodeRGB(pixels, width, height, width * 3, quality, &encoded);
  // codec_free releases what malloc gave.
  if (*size > 0) *data = malloc(*size);
  if (*data) memcpy(*data, encoded, *size);
  WebPFree(encoded);
  return *data != NULL;
}
