#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Encodes width * height RGB pixels (3 bytes each) as a PNG. Returns false if libpng fails or memory is
// lacking; in either case, free `*data` with codec_free.
bool codec_encode_png(const uint8_t *pixels, int width, int height, uint8_t **data, size_t *size);
