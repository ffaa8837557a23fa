// The kernels of CKernels.h in two builds of one source, and the choice between them.
#include "CKernels.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

// The vectors never cross a function that is not inlined, so their calling convention is moot.
#pragma clang diagnostic ignored "-Wpsabi"
#pragma clang fp contract(fast)

enum { lanes = 8 };
typedef float vec __attribute__((vector_size(32)));
typedef double double_vec __attribute__((vector_size(32)));
typedef float half_vec __attribute__((vector_size(16)));
typedef float unaligned_vec __attribute__((vector_size(32), aligned(4)));
typedef int32_t int_vec __attribute__((vector_size(32)));
typedef uint8_t unsigned_byte_vec __attribute__((vector_size(8), aligned(1)));
typedef uint32_t uint_vec __attribute__((vector_size(32)));
typedef int8_t byte_vec __attribute__((vector_size(8), aligned(1)));
typedef uint16_t short_vec __attribute__((vector_size(16), aligned(2)));

struct kernels {
  void (*gelu)(const float *, float *, size_t);
  void (*softmax)(float *, size_t, size_t, float);
  void (*layer_norm)(const float *, const float *, const float *, float, float *, size_t, size_t);
  double (*dot)(const void *, const void *, size_t);
  void (*multiply_floats)(struct kernel_product, struct kernel_panels, struct kernel_epilogue,
                          float *);
  void (*multiply_integers)(struct kernel_product, struct kernel_panels, struct kernel_epilogue,
                            float *);
  void (*attend)(struct kernel_attention, bool, float *);
  void (*depthwise)(struct kernel_convolution, const float *, const float *, const float *, bool,
                    float *);
  void (*score_codes)(struct kernel_codes, struct kernel_code_query, const float *, float *);
  void (*scan_codes)(struct kernel_codes, struct kernel_code_query *, size_t);
  float (*code_score)(struct kernel_codes, size_t, const float *);
  void (*begin)(struct kernel_block, const float *, const float *, float *);
  void (*activate)(struct kernel_block, enum kernel_activation, float *);
  void (*drop)(float *, size_t, size_t, size_t, struct kernel_dropout);
  void (*gelu_backward)(const float *, float *, size_t);
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
  // Most of the depth that is summed up at a time, and numbers of x in a block: see multiply_floats.
  multiply_depth = 512,
  multiply_block = 150 * 384,
  // Most numbers of x in a block of a product of integers.
  integer_block_size = 192 * 1024,
  // Queries whose scores are kept at a time.
  attention_rows = 48,
};

// The depth in equal parts.
static size_t multiply_deepest(size_t k) {
  size_t parts = (k + multiply_depth - 1) / multiply_depth;
  return (k + parts - 1) / parts;
}

// Rows of a block, `most` at most: all blocks alike, as the weights pass once for every block.
static size_t block_height(size_t rows, size_t most, size_t multiple) {
  most = most / multiple * multiple;
  size_t blocks = (rows + most - 1) / most;
  return blocks ? ((rows + blocks - 1) / blocks + multiple - 1) / multiple * multiple : most;
}

static size_t integer_height(size_t k) {
  size_t height = integer_block_size / integer_depth(k) / 4 * 4;
  return height < 4 ? 4 : height > 192 ? 192 : height;
}

static size_t whole_vectors(size_t count) { return (count + lanes - 1) / lanes * lanes; }

// Σ x·w of `rows` rows of `depth` bytes against a panel of 16 columns.
static inline void integer_sums_portable(int rows, const uint8_t *x, size_t depth,
                                         const int8_t *panel, int_vec sums[4][2]) {
  for (int r = 0; r < rows; r++) {
    int32_t row[16] = {0};
    for (size_t i = 0; i < depth; i += 4)
      for (int j = 0; j < 16; j++)
        for (int q = 0; q < 4; q++) row[j] += x[r * depth + i + q] * panel[i * 16 + j * 4 + q];
    memcpy(sums[r], row, sizeof row);
  }
}

// Σ query · code of `groups` groups of 8 vectors (upper planes) and each of `queries` queries.
static inline void code_sums_portable(const int groups, const int queries, const uint8_t *upper,
                                      size_t depth, const int8_t *const *query,
                                      int_vec sums[4]) {
  for (int g = 0; g < groups; g++, upper += depth * kernel_code_group / 2)
    for (int q = 0; q < queries; q++) {
      int32_t sum[kernel_code_group] = {0};
      const uint8_t *codes = upper;
      for (size_t i = 0; i < depth; i += 8, codes += 4 * kernel_code_group)
        for (int v = 0; v < kernel_code_group; v++)
          for (int j = 0; j < 4; j++)
            sum[v] += (codes[4 * v + j] & 15) * query[q][i + j] +
                      (codes[4 * v + j] >> 4) * query[q][i + 4 + j];
      memcpy(&sums[g * queries + q], sum, sizeof sum);
    }
}

static inline bool any_portable(int_vec mask) {
  int32_t some = 0;
  for (int i = 0; i < lanes; i++) some |= mask[i];
  return some;
}

#define FOR_CPU(name) name##_portable
#define TARGET
#include "kernel_bodies.h"
#undef FOR_CPU
#undef TARGET

#if defined(__x86_64__)
#include <immintrin.h>

#define FOR_CPU(name) name##_avx2
#define TARGET __attribute__((target("avx2,fma")))

// Pairs of products fit 16 bits, and so do two of them together: 127 · 63 · 4 = 32,004.
static inline __attribute__((always_inline)) TARGET void integer_sums_avx2(
    const int rows, const uint8_t *x, size_t depth, const int8_t *panel, int_vec sums[4][2]) {
  __m256i one = _mm256_set1_epi16(1);
  __m256i total[4][2];
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) total[r][0] = total[r][1] = _mm256_setzero_si256();
  for (size_t i = 0; i < depth; i += 8) {
    // Sums, ones and three of the four vectors of weights fill the registers, so the fourth stays in
    // memory; left to itself the compiler spills a sum, whose way through memory takes longest.
    __asm__("" : "+x"(one));
    const __m256i *w = (const __m256i *)(panel + 16 * i);
    const __m256i w0 = w[0], w1 = w[1], w2 = w[2];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      int32_t four[2];
      memcpy(four, x + r * depth + i, 8);
      const __m256i x0 = _mm256_set1_epi32(four[0]), x1 = _mm256_set1_epi32(four[1]);
      __m256i last;
      __asm__("vpmaddubsw %2, %1, %0" : "=x"(last) : "x"(x1), "m"(w[3]));
      const __m256i right = _mm256_add_epi16(_mm256_maddubs_epi16(x0, w1), last);
      const __m256i left = _mm256_add_epi16(_mm256_maddubs_epi16(x0, w0),
                                            _mm256_maddubs_epi16(x1, w2));
      total[r][1] = _mm256_add_epi32(total[r][1], _mm256_madd_epi16(right, one));
      total[r][0] = _mm256_add_epi32(total[r][0], _mm256_madd_epi16(left, one));
    }
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
    for (int v = 0; v < 2; v++) sums[r][v] = (int_vec)total[r][v];
}

// Pairs of products fit 16 bits, and so do eight of them: 15 · 127 · 2 · 8 = 30,480.
static inline __attribute__((always_inline)) TARGET void code_sums_avx2(
    const int groups, const int queries, const uint8_t *upper, size_t depth,
    const int8_t *const *query, int_vec sums[4]) {
  const __m256i low = _mm256_set1_epi8(15), one = _mm256_set1_epi16(1);
  const size_t group = depth * kernel_code_group / 2;
  __m256i total[4];
#pragma clang loop unroll(full)
  for (int t = 0; t < groups * queries; t++) total[t] = _mm256_setzero_si256();
  for (size_t i = 0; i < depth; i += kernel_code_depth) {
    __m256i part[4];
#pragma clang loop unroll(full)
    for (int t = 0; t < groups * queries; t++) part[t] = _mm256_setzero_si256();
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++)
#pragma clang loop unroll(full)
      for (int g = 0; g < groups; g++) {
        const __m256i codes =
            _mm256_loadu_si256((const __m256i *)(upper + g * group + 4 * i + 32 * j));
        const __m256i first = _mm256_and_si256(codes, low);
        const __m256i second = _mm256_and_si256(_mm256_srli_epi16(codes, 4), low);
#pragma clang loop unroll(full)
        for (int q = 0; q < queries; q++) {
          int32_t four[2];
          memcpy(four, query[q] + i + 8 * j, 8);
          const __m256i pairs =
              _mm256_add_epi16(_mm256_maddubs_epi16(first, _mm256_set1_epi32(four[0])),
                               _mm256_maddubs_epi16(second, _mm256_set1_epi32(four[1])));
          part[g * queries + q] = _mm256_add_epi16(part[g * queries + q], pairs);
        }
      }
#pragma clang loop unroll(full)
    for (int t = 0; t < groups * queries; t++)
      total[t] = _mm256_add_epi32(total[t], _mm256_madd_epi16(part[t], one));
  }
#pragma clang loop unroll(full)
  for (int t = 0; t < groups * queries; t++) sums[t] = (int_vec)total[t];
}

static inline __attribute__((always_inline)) TARGET bool any_avx2(int_vec mask) {
  return _mm256_movemask_ps((__m256)mask);
}

#include "kernel_bodies.h"
#undef FOR_CPU
#undef TARGET

static const struct kernels *best(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &kernels_avx2
                                                                         : &kernels_portable;
}
#else
static const struct kernels *best(void) { return &kernels_portable; }
#endif

static _Atomic(const struct kernels *) chosen;

static const struct kernels *kernels(void) {
  const struct kernels *now = atomic_load_explicit(&chosen, memory_order_relaxed);
  if (!now) {
    now = best();
    atomic_store_explicit(&chosen, now, memory_order_relaxed);
  }
  return now;
}

void kernels_use_portable(bool portable) {
  atomic_store_explicit(&chosen, portable ? &kernels_portable : best(), memory_order_relaxed);
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

void kernel_scan_codes(struct kernel_codes codes, struct kernel_code_query *queries,
                       size_t count) {
  kernels()->scan_codes(codes, queries, count);
}

float kernel_code_score(struct kernel_codes codes, size_t vector, const float *query) {
  return kernels()->code_score(codes, vector, query);
}

size_t kernel_multiply_scratch(enum kernel_format format, size_t k) {
  if (format != kernel_integers) return 16 * multiply_deepest(k) + multiply_block;
  return integer_height(k) * (2 + integer_depth(k) / 4);
}

void kernel_multiply(struct kernel_product product, struct kernel_panels w,
                     struct kernel_epilogue epilogue, float *scratch) {
  (w.format == kernel_integers ? kernels()->multiply_integers : kernels()->multiply_floats)(
      product, w, epilogue, scratch);
}

size_t kernel_attention_scratch(size_t keys, size_t size) {
  size_t deepest = keys > size ? keys : size;
  return kernel_packed_count(keys, size) + kernel_packed_count(size, keys) +
         attention_rows * keys + kernel_multiply_scratch(kernel_floats, deepest);
}

void kernel_attend(struct kernel_attention attention, bool packs, float *scratch) {
  kernels()->attend(attention, packs, scratch);
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
  const size_t width = whole_vectors(keys), depth = whole_vectors(size);
  return (3 * keys + 2 * width + 3 * attention_rows) * depth + 2 * attention_rows * width;
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
