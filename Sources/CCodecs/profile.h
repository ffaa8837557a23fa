// Conversion of colours by a file's ICC profile to sRGB, with lcms2.
#pragma once

#include "codecs.h"

#include <stdbool.h>

// Converts rows of samples to sRGB; nothing if `handle` is null.
typedef struct {
  void *handle;
  uint32_t channels;  // of a pixel: 1 (grey), 3 (RGB) or 4 (CMYK, 255 is full ink)
} codec_transform;

// The handle is null if the profile is damaged or of other colours, if it is practically sRGB (then
// pixels must stay as they are), or if lcms2 is not installed.
codec_transform codec_transform_open(const uint8_t *profile, size_t size, uint32_t channels);
void codec_transform_close(codec_transform transform);

// Converts `count` pixels; `samples` may be `rgb` if there are three channels.
void codec_transform_row(codec_transform transform, const uint8_t *samples, uint8_t *rgb,
                         uint32_t count);

// Converts the picture in `output`; `grey`: its three samples are equal and the profile may be of
// grey.
void codec_apply_profile(const codec_output *output, const uint8_t *profile, size_t size,
                         bool grey);
