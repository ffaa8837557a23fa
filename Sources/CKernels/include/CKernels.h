// Kernels where the processor's vector instructions are the point. One source, compiled twice: for
// AVX2 with FMA and for whatever the target always has; the processor decides at the first call.
// Nothing here checks a bound: `Tensors` is the only caller and checks every shape first.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "CKernelsResize.h"

/// From now on: the portable kernels (tests), or again what the processor allows.
void kernels_use_portable(bool portable);

/// y = x · Φ(x), the exact (erf) GELU; x and y may be the same.
void kernel_gelu(const float *x, float *y, size_t count);

/// Every row of x becomes softmax(scale · row), in place.
void kernel_softmax(float *x, size_t rows, size_t columns, float scale);

/// Every row of y is the row of x less its mean, over √(variance + epsilon), · weight + bias; x and y
/// may be the same.
void kernel_layer_norm(const float *x, const float *weight, const float *bias, float epsilon,
                       float *y, size_t rows, size_t columns);

/// Σ aᵢ·bᵢ
float kernel_dot(const float *a, const float *b, size_t count);

/// A weight [n, k] in the order in which it is multiplied: panels of 16 columns (the last one of 8
/// where that is enough), k rows each. Floats, or bytes with a scale for each of the n; the other
/// two are null.
struct kernel_panels {
  const float *floats;
  const int8_t *bytes;
  const float *scales;
};

/// Numbers in the panels of an [n, k] weight.
size_t kernel_packed_count(size_t n, size_t k);

/// Reorders w [n, k] into panels.
void kernel_pack(const float *w, size_t n, size_t k, float *packed);
void kernel_pack_bytes(const int8_t *w, size_t n, size_t k, int8_t *packed);

/// The way back, bytes multiplied by their scales.
void kernel_unpack(struct kernel_panels panels, size_t n, size_t k, float *w);

/// What happens to a sum before it is stored.
struct kernel_epilogue {
  /// [n]
  const float *bias;
  /// Added if not null, [m, n]; not y itself.
  const float *addend;
  /// Clamp to 0…6 at the end.
  bool relu6;
};

/// y [m, n] = epilogue(x [m, k] · wᵀ)
void kernel_multiply_packed(const float *x, size_t m, size_t k, struct kernel_panels w, size_t n,
                            struct kernel_epilogue epilogue, float *y);

/// Sizes of a convolution over one picture whose channels lie together (height, width, channels).
struct kernel_convolution {
  size_t height, width, channels;
  size_t kernel, stride;
  size_t top, left;
  size_t output_height, output_width;
};

/// Depthwise convolution: x [height, width, channels], weights [kernel, kernel, channels],
/// bias [channels], y [output_height, output_width, channels].
void kernel_depthwise(struct kernel_convolution shape, const float *x, const float *weights,
                      const float *bias, bool relu6, float *y);
