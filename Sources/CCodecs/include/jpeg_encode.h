#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Encodes width * height RGB pixels (3 bytes each) as a JPEG of the given quality (1 to 100).
// Returns false where libjpeg gives up; `*data` is to be freed by codec_free either way.
bool codec_encode_jpeg(const uint8_t *pixels, int width, int height, int quality, uint8_t **data,
                       size_t *size);

// Frees what codec_encode_jpeg made.
void codec_free(uint8_t *data);
