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
typedef float unaligned_vec __attribute__((vector_size(32), aligned(4)));
typedef int32_t int_vec __attribute__((vector_size(32)));
typedef int8_t byte_vec __attribute__((vector_size(8), aligned(1)));
typedef int8_t bytes_16 __attribute__((vector_size(16), aligned(1)));

struct kernels {
  void (*gelu)(const float *, float *, size_t);
  void (*softmax)(float *, size_t, size_t, float);
  void (*layer_norm)(const float *, const float *, const float *, float, float *, size_t, size_t);
  float (*dot)(const float *, const float *, size_t);
  void (*multiply_packed)(const float *, size_t, size_t, struct kernel_panels, size_t,
                          struct kernel_epilogue, float *);
  void (*depthwise)(struct kernel_convolution, const float *, const float *, const float *, bool,
                    float *);
};

// Panels of packed weights: of 16 columns, the last one of 8 where that is enough.
static size_t panel_width(size_t columns_left) { return columns_left > 8 ? 16 : 8; }

#define FOR_CPU(name) name##_portable
#define TARGET
#include "kernel_bodies.h"
#undef FOR_CPU
#undef TARGET

#if defined(__x86_64__)
#define FOR_CPU(name) name##_avx2
#define TARGET __attribute__((target("avx2,fma")))
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

float kernel_dot(const float *a, const float *b, size_t count) {
  return kernels()->dot(a, b, count);
}

void kernel_multiply_packed(const float *x, size_t m, size_t k, struct kernel_panels w, size_t n,
                            struct kernel_epilogue epilogue, float *y) {
  kernels()->multiply_packed(x, m, k, w, n, epilogue, y);
}

void kernel_depthwise(struct kernel_convolution shape, const float *x, const float *weights,
                      const float *bias, bool relu6, float *y) {
  kernels()->depthwise(shape, x, weights, bias, relu6, y);
}

// MARK: - Packing

size_t kernel_packed_count(size_t n, size_t k) { return (n + 7) / 8 * 8 * k; }

void kernel_pack(const float *w, size_t n, size_t k, float *packed) {
  for (size_t first = 0; first < n;) {
    size_t width = panel_width(n - first);
    for (size_t i = 0; i < k; i++)
      for (size_t j = 0; j < width; j++)
        *packed++ = first + j < n ? w[(first + j) * k + i] : 0;
    first += width;
  }
}

// 16 rows of 16 bytes, `stride` apart, become 16 columns, one behind the other: interleaving rows
// i and i + 8 four times transposes.
static void transpose_16(const int8_t *from, size_t stride, int8_t *to) {
  bytes_16 rows[16], next[16];
  for (int i = 0; i < 16; i++) rows[i] = *(const bytes_16 *)(from + i * stride);
  for (int round = 0; round < 4; round++) {
    for (int i = 0; i < 8; i++) {
      next[2 * i] = __builtin_shufflevector(rows[i], rows[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4,
                                            20, 5, 21, 6, 22, 7, 23);
      next[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + 8], 8, 24, 9, 25, 10, 26, 11, 27,
                                                12, 28, 13, 29, 14, 30, 15, 31);
    }
    memcpy(rows, next, sizeof rows);
  }
  for (int i = 0; i < 16; i++) *(bytes_16 *)(to + 16 * i) = rows[i];
}

void kernel_pack_bytes(const int8_t *w, size_t n, size_t k, int8_t *packed) {
  for (size_t first = 0; first < n;) {
    size_t width = panel_width(n - first), i = 0;
    if (first + 16 <= n)
      for (; i + 16 <= k; i += 16, packed += 256) transpose_16(w + first * k + i, k, packed);
    for (; i < k; i++)
      for (size_t j = 0; j < width; j++)
        *packed++ = first + j < n ? w[(first + j) * k + i] : 0;
    first += width;
  }
}

void kernel_unpack(struct kernel_panels panels, size_t n, size_t k, float *w) {
  size_t at = 0;
  for (size_t first = 0; first < n;) {
    size_t width = panel_width(n - first);
    for (size_t i = 0; i < k; i++, at += width)
      for (size_t j = 0; j < width && first + j < n; j++)
        w[(first + j) * k + i] = panels.floats ? panels.floats[at + j]
                                               : panels.bytes[at + j] * panels.scales[first + j];
    first += width;
  }
}
