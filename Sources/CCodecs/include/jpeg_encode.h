#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Encodes width * height RGB pixels (3 bytes each) as a JPEG of the given quality (1 to 100).
// Returns false if libjpeg fails; in either case, free `*data` with codec_free.
bool codec_encode_jpeg(const uint8_t *pixels, int width, int height, int quality, uint8_t **data,
                       size_t *size);

// Frees memory allocated by codec_encode_jpeg or codec_encode_png.
void codec_free(uint8_t *data);
