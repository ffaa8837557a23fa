// Three builds of the kernels of CKernels.h from one source, and the choice among them.
#include "CKernels.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

// Vectors are passed to inlined functions only, so their calling convention does not matter.
#pragma clang diagnostic ignored "-Wpsabi"
#pragma clang fp contract(fast)

// Codes are in groups of 8 vectors, however many lanes the processor's registers have.
typedef float group_floats __attribute__((vector_size(32)));
typedef int32_t group_integers __attribute__((vector_size(32)));
typedef uint16_t group_halves __attribute__((vector_size(16)));
typedef uint8_t group_bytes __attribute__((vector_size(8)));
typedef uint8_t code_bytes __attribute__((vector_size(16)));
typedef int8_t group_signed_bytes __attribute__((vector_size(8)));

// The four numbers that kernel_dot multiplies at a time.
typedef double double_vec __attribute__((vector_size(32)));
typedef float half_vec __attribute__((vector_size(16)));

// Every build has its own vector types.
#define vec FOR_CPU(vec)
#define unaligned_vec FOR_CPU(unaligned_vec)
#define int_vec FOR_CPU(int_vec)
#define uint_vec FOR_CPU(uint_vec)
#define byte_vec FOR_CPU(byte_vec)

struct kernels {
  void (*gelu)(const float *, float *, size_t);
  void (*softmax)(float *, size_t, size_t, float);
  void (*layer_norm)(const float *, const float *, const float *, float, float *, size_t, size_t);
  double (*dot)(const void *, const void *, size_t);
  void (*multiply_floats)(struct kernel_product, struct kernel_panels, struct kernel_epilogue,
                          float *);
  void (*multiply_integers)(struct kernel_product, struct kernel_panels, struct kernel_epilogue,
                            float *);
  // Whether bfloat16 is multiplied directly, in pairs, so that rounding to it is worth it.
  bool pairs;
  void (*pack_attention)(struct kernel_attention, bool, float *);
  void (*attend)(struct kernel_attention, bool, const float *, float *);
  void (*depthwise)(struct kernel_convolution, const float *, const float *, const float *, bool,
                    float *);
  void (*score_codes)(struct kernel_codes, struct kernel_code_query, const float *, float *);
  void (*scan_codes)(struct kernel_codes, struct kernel_code_query *);
  void (*unpack_codes)(struct kernel_codes, uint8_t *);
  void (*scan_whole_codes)(struct kernel_whole_codes, struct kernel_code_query_panels);
  float (*code_score)(struct kernel_codes, size_t, const float *);
  void (*begin)(struct kernel_block, const float *, const float *, float *);
  void (*activate)(struct kernel_block, enum kernel_activation, float *);
  void (*drop)(float *, size_t, size_t, size_t, struct kernel_dropout);
  void (*gelu_backward)(const float *, float *, size_t);
  void (*depthwise_backward)(struct kernel_convolution, const float *, const float *, size_t,
                             float *);
  void (*layer_norm_backward)(const float *, const float *, const float *, float, bool, float *,
                              float *, float *, size_t, size_t);
  void (*sum_columns)(const float *, size_t, size_t, size_t, float *);
  double (*cross_entropy)(float *, size_t, size_t, float, float);
  double (*soft_cross_entropy)(float *, const float *, size_t, float);
  void (*adamw)(float *, const float *, float *, float *, size_t, struct kernel_adamw);
  void (*average)(float *, const float *, size_t, float);
  void (*attend_training)(struct kernel_attention, struct kernel_attention_training, float *);
  void (*attend_backward)(struct kernel_attention, struct kernel_attention_training,
                          struct kernel_attention_gradient, float *);
};

#include "packing.h"

enum {
  // The greatest depth summed at a time, and the most numbers of x in a block: see multiply_floats.
  multiply_depth = 512,
  multiply_block = 150 * 384,
  // The stride of rows of pairs, a constant for the compiler; not a power of 2, so that the rows of a
  // tile do not compete for the same sets of the first-level cache.
  pairs_stride = multiply_depth / 2 + 4,
  // The most numbers of x in a block of a product of integers.
  integer_block_size = 192 * 1024,
};

// The size of equal parts of the depth; even, so that no pair of bfloat16 is split.
static size_t multiply_deepest(size_t k) {
  size_t parts = (k + multiply_depth - 1) / multiply_depth;
  return ((k + parts - 1) / parts + 1) / 2 * 2;
}

// The size, in floats, of slices of two panels, one row deeper than `depth`.
static size_t multiply_slice(size_t depth) { return 2 * 16 * (depth + 1); }

// The rows of a block, at most `most`: blocks of equal size, as each of them reads all weights.
static size_t block_height(size_t rows, size_t most, size_t multiple) {
  most = most / multiple * multiple;
  size_t blocks = (rows + most - 1) / most;
  return blocks ? ((rows + blocks - 1) / blocks + multiple - 1) / multiple * multiple : most;
}

static size_t integer_height(size_t k) {
  size_t height = integer_block_size / integer_depth(k) / 12 * 12;
  return height < 12 ? 12 : height > 192 ? 192 : height;
}

// Rounded up to whole vectors of any build.
static size_t most_vectors(size_t count) { return (count + 15) / 16 * 16; }

#include "portable.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#include "avx2.h"
#include "avx512.h"

struct kernel_processor kernel_processor(void) {
  struct kernel_processor processor = {
      .avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"),
      .avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
                __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                __builtin_cpu_supports("avx512vl")};
  const unsigned first = 0x80000002, count = 3;
  if (__get_cpuid_max(0x80000000, NULL) < first + count - 1) return processor;
  for (unsigned leaf = 0; leaf < count; leaf++) {
    unsigned words[4];
    __get_cpuid(first + leaf, words, words + 1, words + 2, words + 3);
    memcpy(processor.name + sizeof words * leaf, words, sizeof words);
  }
  return processor;
}

enum kernel_build kernel_best_build(void) {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return kernel_portable;
  return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                 __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni") &&
                 __builtin_cpu_supports("avx512bf16")
             ? kernel_avx512
             : kernel_avx2;
}

static const struct kernels *const builds[] = {&kernels_portable, &kernels_avx2, &kernels_avx512};
#else
struct kernel_processor kernel_processor(void) { return (struct kernel_processor){0}; }

enum kernel_build kernel_best_build(void) { return kernel_portable; }

static const struct kernels *const builds[] = {&kernels_portable};
#endif

static _Atomic(const struct kernels *) chosen;

static const struct kernels *kernels(void) {
  const struct kernels *now = atomic_load_explicit(&chosen, memory_order_relaxed);
  if (!now) {
    now = builds[kernel_best_build()];
    atomic_store_explicit(&chosen, now, memory_order_relaxed);
  }
  return now;
}

void kernel_use_build(enum kernel_build build) {
  atomic_store_explicit(&chosen, builds[build], memory_order_relaxed);
}

void kernel_gelu(const float *x, float *y, size_t count) { kernels()->gelu(x, y, count); }

void kernel_softmax(float *x, size_t rows, size_t columns, float scale) {
  kernels()->softmax(x, rows, columns, scale);
}

void kernel_layer_norm(const float *x, const float *weight, const float *bias, float epsilon,
                       float *y, size_t rows, size_t columns) {
  kernels()->layer_norm(x, weight, bias, epsilon, y, rows, columns);
}

double kernel_dot(const void *a, const void *b, size_t count) {
  return kernels()->dot(a, b, count);
}

void kernel_score_codes(struct kernel_codes codes, struct kernel_code_query query,
                        const float *penalties, float *scores) {
  kernels()->score_codes(codes, query, penalties, scores);
}

void kernel_scan_codes(struct kernel_codes codes, struct kernel_code_query *query) {
  kernels()->scan_codes(codes, query);
}

void kernel_unpack_codes(struct kernel_codes codes, uint8_t *bits) {
  kernels()->unpack_codes(codes, bits);
}

void kernel_scan_whole_codes(struct kernel_whole_codes codes,
                             struct kernel_code_query_panels queries) {
  kernels()->scan_whole_codes(codes, queries);
}

float kernel_code_score(struct kernel_codes codes, size_t vector, const float *query) {
  return kernels()->code_score(codes, vector, query);
}

size_t kernel_multiply_scratch(enum kernel_format format, size_t k) {
  if (format != kernel_integers) return multiply_slice(multiply_deepest(k)) + multiply_block;
  return integer_height(k) * (2 + integer_depth(k) / 4);
}

void kernel_multiply(struct kernel_product product, struct kernel_panels w,
                     struct kernel_epilogue epilogue, float *scratch) {
  (w.format == kernel_integers ? kernels()->multiply_integers : kernels()->multiply_floats)(
      product, w, epilogue, scratch);
}

bool kernel_multiplies_bfloat16(void) { return kernels()->pairs; }

size_t kernel_attention_packed(size_t keys, size_t size, bool rounds) {
  const enum kernel_format format = rounds ? kernel_bfloat16 : kernel_floats;
  return (kernel_packed_count(format, keys, size) + kernel_packed_count(format, size, keys)) /
         (rounds ? 2 : 1);
}

void kernel_pack_attention(struct kernel_attention attention, bool rounds, float *packed) {
  // Only the best build can round.
  (rounds ? builds[kernel_best_build()] : kernels())->pack_attention(attention, rounds, packed);
}

size_t kernel_attention_scratch(size_t keys, size_t size) {
  return kernel_attention_rows * keys + kernel_multiply_scratch(kernel_floats, keys > size ? keys : size);
}

void kernel_attend(struct kernel_attention attention, bool rounds, const float *packed,
                   float *scratch) {
  kernels()->attend(attention, rounds, packed, scratch);
}

void kernel_depthwise(struct kernel_convolution shape, const float *x, const float *weights,
                      const float *bias, bool relu6, float *y) {
  kernels()->depthwise(shape, x, weights, bias, relu6, y);
}

void kernel_begin(struct kernel_block block, const float *bias, const float *addend, float *y) {
  kernels()->begin(block, bias, addend, y);
}

void kernel_activate(struct kernel_block block, enum kernel_activation activation, float *y) {
  if (activation != kernel_identity) kernels()->activate(block, activation, y);
}

void kernel_drop(float *x, size_t first_row, size_t rows, size_t columns,
                 struct kernel_dropout dropout) {
  kernels()->drop(x, first_row, rows, columns, dropout);
}

void kernel_gelu_backward(const float *x, float *dy, size_t count) {
  kernels()->gelu_backward(x, dy, count);
}

void kernel_depthwise_backward(struct kernel_convolution shape, const float *x, const float *dy,
                               size_t count, float *d_weights) {
  kernels()->depthwise_backward(shape, x, dy, count, d_weights);
}

void kernel_layer_norm_backward(const float *dy, const float *x, const float *weight,
                                float epsilon, bool accumulates, float *dx, float *d_weight,
                                float *d_bias, size_t rows, size_t columns) {
  kernels()->layer_norm_backward(dy, x, weight, epsilon, accumulates, dx, d_weight, d_bias, rows,
                                 columns);
}

void kernel_sum_columns(const float *x, size_t stride, size_t rows, size_t columns, float *sums) {
  kernels()->sum_columns(x, stride, rows, columns, sums);
}

double kernel_cross_entropy(float *logits, size_t columns, size_t target, float smoothing,
                            float scale) {
  return kernels()->cross_entropy(logits, columns, target, smoothing, scale);
}

double kernel_soft_cross_entropy(float *logits, const float *targets, size_t columns,
                                 float scale) {
  return kernels()->soft_cross_entropy(logits, targets, columns, scale);
}

void kernel_adamw(float *p, const float *g, float *m, float *v, size_t count,
                  struct kernel_adamw step) {
  kernels()->adamw(p, g, m, v, count, step);
}

void kernel_average(float *p, const float *q, size_t count, float keeping) {
  kernels()->average(p, q, count, keeping);
}

size_t kernel_attention_training_scratch(size_t keys, size_t size) {
  const size_t width = most_vectors(keys), depth = most_vectors(size);
  return (3 * keys + 2 * width + 3 * kernel_attention_rows) * depth + 2 * kernel_attention_rows * width;
}

void kernel_attend_training(struct kernel_attention attention,
                            struct kernel_attention_training training, float *scratch) {
  kernels()->attend_training(attention, training, scratch);
}

void kernel_attend_backward(struct kernel_attention attention,
                            struct kernel_attention_training training,
                            struct kernel_attention_gradient gradient, float *scratch) {
  kernels()->attend_backward(attention, training, gradient, scratch);
}
