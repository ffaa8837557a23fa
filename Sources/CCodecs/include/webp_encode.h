#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Encodes width * height RGB pixels (3 bytes each) as a lossy WebP of the given quality (0 to 100).
// Returns false if libwebp fails; in either case, free `*data` with codec_free (jpeg_encode.h).
bool codec_encode_webp(const uint8_t *pixels, int width, int height, float quality, uint8_t **data,
                       size_t *size);
