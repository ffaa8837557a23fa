// Shared by the codec shims: input, output and error reporting.
#pragma once

#include "CCodecs.h"

#include <stdio.h>
#include <string.h>

typedef struct {
  const uint8_t *bytes;
  size_t count;
  char *message;  // of codec_message_size
} codec_input;

typedef struct {
  uint32_t width, height, reduction;
  uint8_t *rgb;
} codec_output;

// Keeps the first message: later ones are consequences.
#define codec_fail(input, ...)                                                         \
  do {                                                                                 \
    if (!(input)->message[0])                                                          \
      snprintf((input)->message, codec_message_size, __VA_ARGS__);                     \
  } while (0)

static inline uint8_t *codec_row(const codec_output *output, uint32_t y) {
  return output->rgb + (size_t)y * output->width * 3;
}

#define CODEC_SHIM(name)                                                               \
  codec_status codec_##name##_probe(codec_input *input, codec_header *header);         \
  codec_status codec_##name##_decode(codec_input *input, const codec_output *output);
CODEC_SHIM(jpeg)
CODEC_SHIM(png)
CODEC_SHIM(webp)
CODEC_SHIM(tiff)
CODEC_SHIM(gif)
CODEC_SHIM(heif)
CODEC_SHIM(bmp)
CODEC_SHIM(jpeg_xl)
CODEC_SHIM(jpeg_2000)
CODEC_SHIM(raw)
#undef CODEC_SHIM
