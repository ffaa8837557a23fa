// Kernels written for the processor's vector instructions. One source is compiled three times; the
// fastest build that the processor supports is chosen at the first call.
// Nothing here checks bounds: `Tensors` is the only caller and checks all shapes first.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "CKernelsResize.h"

/// Tells the processor that a thread is spinning.
static inline void kernel_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/// Builds of the kernels, slowest first.
enum kernel_build {
  /// For every processor of the architecture.
  kernel_portable,
  /// AVX2 with FMA.
  kernel_avx2,
  /// AVX-512 with VNNI and BF16, which multiply 8-bit integers and bfloat16 directly.
  kernel_avx512,
};

/// The fastest build that the processor supports.
enum kernel_build kernel_best_build(void);

/// Uses a build, which the processor must support, from now on; by default, the fastest.
void kernel_use_build(enum kernel_build build);

/// What the processor, and the operating system, support.
struct kernel_processor {
  /// The manufacturer's name for it; empty if it does not say.
  char name[49];
  /// AVX2 and FMA.
  bool avx2;
  /// AVX-512 F, CD, BW, DQ and VL, which all processors with AVX-512 have since Skylake.
  /// `kernel_avx512` needs more.
  bool avx512;
};

struct kernel_processor kernel_processor(void);

/// y = x · Φ(x), the exact (erf) GELU; x and y may be the same.
void kernel_gelu(const float *x, float *y, size_t count);

/// Every row of x becomes softmax(scale · row), in place.
void kernel_softmax(float *x, size_t rows, size_t columns, float scale);

/// Layer norm of every row: y = (x − mean) / √(variance + epsilon) · weight + bias; x and y may be
/// the same.
void kernel_layer_norm(const float *x, const float *weight, const float *bias, float epsilon,
                       float *y, size_t rows, size_t columns);

/// Σ aᵢ·bᵢ of floats at any alignment, summed in double precision: the products are exact, and the
/// sum nearly so.
double kernel_dot(const void *a, const void *b, size_t count);

/// The number format of a packed weight.
enum kernel_format {
  /// float
  kernel_floats,
  /// int8_t with a scale for each row, widened to floats.
  kernel_bytes,
  /// bfloat16: the upper 16 bits of floats, rounded.
  kernel_bfloat16,
  /// int8_t in −63…63 with a scale for each row, multiplied as integers.
  kernel_integers,
};

/// A weight [n, k] in the order in which a product reads it: panels of 16 columns (the last one of 8
/// if that is enough), k rows each. Integers are always in panels of 16, with 4 consecutive numbers
/// of the depth together; the depth is padded with zeros to a multiple of 8. bfloat16 is in pairs of
/// consecutive numbers of the depth; an odd depth is padded with a zero.
struct kernel_panels {
  enum kernel_format format;
  void *numbers;
  /// [n], or null.
  float *scales;
  /// [n], or null: the sums of a column's integers.
  float *sums;
};

/// How many numbers the panels of an [n, k] weight have.
size_t kernel_packed_count(enum kernel_format format, size_t n, size_t k);

/// Packs w [n, k] into panels of any format except bytes; computes the scales and sums of integers.
void kernel_pack(const float *w, size_t n, size_t k, struct kernel_panels panels);

/// Packs floats [n, k], whose number (j, i) is at w[j · across + i · along], into panels.
void kernel_pack_floats(const float *w, size_t across, size_t along, size_t n, size_t k,
                        float *packed);
void kernel_pack_bytes(const int8_t *w, size_t n, size_t k, int8_t *packed);

/// Unpacks panels to floats.
void kernel_unpack(struct kernel_panels panels, size_t n, size_t k, float *w);

/// The function applied to a sum before it is stored.
enum kernel_activation { kernel_identity, kernel_relu6, kernel_gelu_activation };

/// What happens to a sum before it is stored.
struct kernel_epilogue {
  /// [n], added if not null.
  const float *bias;
  /// [m, y_stride], added if not null; must not be y.
  const float *addend;
  /// Applied last.
  enum kernel_activation activation;
};

/// Columns first_column..<end_column (each a multiple of 16, or n) of y [m, n] = x [m, k] · wᵀ. A
/// stride is the distance between the starts of two rows.
struct kernel_product {
  const float *x;
  size_t x_stride;
  size_t m, k, n;
  size_t first_column, end_column;
  float *y;
  size_t y_stride;
};

/// The scratch memory, in floats, for a product with a weight of depth k.
size_t kernel_multiply_scratch(enum kernel_format format, size_t k);

/// y = epilogue(x · wᵀ). For integers, each row of x is quantised to 7 bits with its own step and
/// offset.
void kernel_multiply(struct kernel_product product, struct kernel_panels w,
                     struct kernel_epilogue epilogue, float *scratch);

/// One head: context [queries, size] = softmax(scale · q [queries, size] · kᵀ) · v, with k and v
/// [keys, size].
struct kernel_attention {
  const float *q, *k, *v;
  size_t q_stride, k_stride, v_stride;
  size_t queries, keys, size;
  float scale;
  float *context;
  size_t context_stride;
};

/// How many queries are processed at a time.
static const size_t kernel_attention_rows = 48;

/// Whether the build in use multiplies bfloat16 directly, which is faster than floats.
bool kernel_multiplies_bfloat16(void);

/// The memory, in floats, for a head's packed keys and values.
/// - Parameter rounds: As bfloat16; only if the processor multiplies it directly.
size_t kernel_attention_packed(size_t keys, size_t size, bool rounds);

/// Packs the keys and values of an attention; nothing else of it is read.
void kernel_pack_attention(struct kernel_attention attention, bool rounds, float *packed);

/// The scratch memory, in floats, that an attention needs.
size_t kernel_attention_scratch(size_t keys, size_t size);

/// The attention with packed keys and values, packed with the same `rounds`. Then the queries and
/// probabilities are rounded too.
void kernel_attend(struct kernel_attention attention, bool rounds, const float *packed,
                   float *scratch);

/// The sizes of a convolution over one picture, [height, width, channels].
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
