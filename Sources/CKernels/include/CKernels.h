// Kernels where the processor's vector instructions are the point. One source, compiled three times;
// the processor decides at the first call.
// Nothing here checks a bound: `Tensors` is the only caller and checks every shape first.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "CKernelsResize.h"

/// Tells the processor that a thread waits for another one.
static inline void kernel_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/// Builds of the kernels, the slowest first.
enum kernel_build {
  /// For what the target always has.
  kernel_portable,
  /// AVX2 with FMA.
  kernel_avx2,
  /// AVX-512 with VNNI and BF16: the sums of bfloat16 and of integers have instructions of their own.
  kernel_avx512,
};

/// The fastest build that the processor allows.
enum kernel_build kernel_best_build(void);

/// Uses a build, which the processor must allow, from now on; without this, the fastest.
void kernel_use_build(enum kernel_build build);

/// What the processor can do, where the operating system allows it too.
struct kernel_processor {
  /// The manufacturer's name for it; empty if it does not say.
  char name[49];
  /// AVX2 and FMA.
  bool avx2;
  /// AVX-512 as all processors have it that have it at all: F, CD, BW, DQ and VL. `kernel_avx512`
  /// needs more.
  bool avx512;
};

struct kernel_processor kernel_processor(void);

/// y = x · Φ(x), the exact (erf) GELU; x and y may be the same.
void kernel_gelu(const float *x, float *y, size_t count);

/// Every row of x becomes softmax(scale · row), in place.
void kernel_softmax(float *x, size_t rows, size_t columns, float scale);

/// Every row of y is the row of x less its mean, over √(variance + epsilon), · weight + bias; x and y
/// may be the same.
void kernel_layer_norm(const float *x, const float *weight, const float *bias, float epsilon,
                       float *y, size_t rows, size_t columns);

/// Σ aᵢ·bᵢ of floats at any alignment, summed in double: the products are exact, and so nearly is
/// the sum.
double kernel_dot(const void *a, const void *b, size_t count);

/// In which numbers a packed weight is kept.
enum kernel_format {
  /// float
  kernel_floats,
  /// int8_t with a scale for each of the n, widened to floats.
  kernel_bytes,
  /// The upper halves of floats, rounded.
  kernel_bfloat16,
  /// int8_t in −63…63 with a scale for each of the n, multiplied in integers.
  kernel_integers,
};

/// A weight [n, k] in the order in which it is multiplied: panels of 16 columns (the last one of 8
/// where that is enough), k rows each. Integers lie in panels of 16 always, 4 neighbours of the
/// depth together, which is filled up with zeros to a multiple of 8; bfloat16 in pairs of neighbours
/// of the depth, the last one of an odd depth with a zero.
struct kernel_panels {
  enum kernel_format format;
  void *numbers;
  /// [n], or null.
  float *scales;
  /// [n], or null: the sums of a column's integers.
  float *sums;
};

/// Numbers in the panels of an [n, k] weight.
size_t kernel_packed_count(enum kernel_format format, size_t n, size_t k);

/// Reorders w [n, k] into panels of any format but bytes; finds the scales and sums of integers.
void kernel_pack(const float *w, size_t n, size_t k, struct kernel_panels panels);

/// Reorders floats, whose number (j, i) of [n, k] is at w[j · across + i · along], into panels.
void kernel_pack_floats(const float *w, size_t across, size_t along, size_t n, size_t k,
                        float *packed);
void kernel_pack_bytes(const int8_t *w, size_t n, size_t k, int8_t *packed);

/// The way back, as floats.
void kernel_unpack(struct kernel_panels panels, size_t n, size_t k, float *w);

/// What a sum passes before it is stored.
enum kernel_activation { kernel_identity, kernel_relu6, kernel_gelu_activation };

/// What happens to a sum before it is stored.
struct kernel_epilogue {
  /// [n], added if not null.
  const float *bias;
  /// Added if not null, [m, y_stride]; not y itself.
  const float *addend;
  /// Comes last.
  enum kernel_activation activation;
};

/// Columns first_column..<end_column (each a multiple of 16, or n) of y [m, n] = x [m, k] · wᵀ; the
/// strides are how far apart the rows are.
struct kernel_product {
  const float *x;
  size_t x_stride;
  size_t m, k, n;
  size_t first_column, end_column;
  float *y;
  size_t y_stride;
};

/// Floats of scratch memory that a product by a weight of the depth k needs.
size_t kernel_multiply_scratch(enum kernel_format format, size_t k);

/// y = epilogue(x · wᵀ). Of integers, every row of x is rounded to 7 bits with a step and an offset.
void kernel_multiply(struct kernel_product product, struct kernel_panels w,
                     struct kernel_epilogue epilogue, float *scratch);

/// One head: context [queries, size] = softmax(scale · q [queries, size] · kᵀ) · v, with k and v
/// [keys, size]; the strides are how far apart the rows are.
struct kernel_attention {
  const float *q, *k, *v;
  size_t q_stride, k_stride, v_stride;
  size_t queries, keys, size;
  float scale;
  float *context;
  size_t context_stride;
};

/// Queries of an attention whose scores are kept at a time.
static const size_t kernel_attention_rows = 48;

/// Whether the build in use multiplies bfloat16 by itself, faster than floats.
bool kernel_multiplies_bfloat16(void);

/// Floats of memory for a head's keys and values in the order in which they are multiplied; `rounds`:
/// as bfloat16, which only a processor makes that multiplies it.
size_t kernel_attention_packed(size_t keys, size_t size, bool rounds);

/// Reorders the keys and values of an attention, of which nothing else is read.
void kernel_pack_attention(struct kernel_attention attention, bool rounds, float *packed);

/// Floats of scratch memory that an attention needs.
size_t kernel_attention_scratch(size_t keys, size_t size);

/// The attention by packed keys and values, which `rounds` has to be the same for. A build that
/// multiplies bfloat16 rounds queries and probabilities too.
void kernel_attend(struct kernel_attention attention, bool rounds, const float *packed,
                   float *scratch);

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

#include "CKernelsCodes.h"
#include "CKernelsTraining.h"
