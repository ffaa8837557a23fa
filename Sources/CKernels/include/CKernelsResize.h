// The two passes of Pillow's 8-bit resampling (Resample.c): sums of bytes times fixed-point
// weights, rounded and clipped to bytes.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The weights of one axis. Output i is the sum over t < taps of
/// `input[starts[i] + t] * weights[i * taps + t]`, with 22 fraction bits; every `starts[i] + taps`
/// is at most the length of the input.
typedef struct {
  const int32_t *starts;
  const int32_t *weights;
  size_t taps;
  size_t outputs;
} resize_axis;

/// Whether this processor has the instructions of the fast path (AVX2).
bool resize_has_fast_path(void);

/// RGB rows of `width` pixels to rows of `axis.outputs` pixels.
void resize_rows(const uint8_t *source, size_t width, size_t rows, resize_axis axis, bool fast,
                 uint8_t *target);

/// Rows of `width` bytes to `axis.outputs` rows of the same width.
void resize_columns(const uint8_t *source, size_t width, resize_axis axis, bool fast,
                    uint8_t *target);
