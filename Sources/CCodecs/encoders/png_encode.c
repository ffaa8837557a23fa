#include "png_encode.h"

#include <stdlib.h>
#include <string.h>

#include <png.h>

// The simplified interface of libpng catches its own longjmp.
bool codec_encode_png(const uint8_t *pixels, int width, int height, uint8_t **data, size_t *size) {
  png_image image;
  memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  image.width = (png_uint_32)width;
  image.height = (png_uint_32)height;
  image.format = PNG_FORMAT_RGB;
  *data = NULL;
  *size = 0;
  png_alloc_size_t length = PNG_IMAGE_PNG_SIZE_MAX(image);
  uint8_t *bytes = malloc(length);
  if (!bytes) return false;
  if (!png_image_write_to_memory(&image, bytes, &length, 0, pixels, 0, NULL)) {
    free(bytes);
    return false;
  }
  *data = bytes;
  *size = length;
  return true;
}
