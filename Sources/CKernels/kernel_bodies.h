// The kernels of CKernels.h, written once over vectors of `lanes` floats. The including file defines
// FOR_CPU(name), TARGET, the sizes of tiles, and the functions that need the processor's own
// instructions; the compiler splits vectors that are wider than the processor's.

#define INLINE static inline __attribute__((always_inline)) TARGET

// MARK: - Vectors

INLINE vec FOR_CPU(load)(const float *p) { return *(const unaligned_vec *)p; }

INLINE void FOR_CPU(store)(float *p, vec v) { *(unaligned_vec *)p = v; }

INLINE vec FOR_CPU(all)(float x) { return x - (vec){0}; }

// The first `count` lanes from memory (all if count is larger), the others `fill`.
INLINE vec FOR_CPU(load_some)(const float *p, size_t count, float fill) {
  if (count >= lanes) return FOR_CPU(load)(p);
#ifdef has_masks
  return FOR_CPU(load_masked)(p, count, FOR_CPU(all)(fill));
#endif
  float lane[lanes];
  for (size_t i = 0; i < lanes; i++) lane[i] = i < count ? p[i] : fill;
  return FOR_CPU(load)(lane);
}

INLINE void FOR_CPU(store_some)(float *p, vec v, size_t count) {
  if (count >= lanes) {
    FOR_CPU(store)(p, v);
    return;
  }
#ifdef has_masks
  FOR_CPU(store_masked)(p, v, count);
  return;
#endif
  for (size_t i = 0; i < count; i++) p[i] = v[i];
}

INLINE vec FOR_CPU(select)(int_vec mask, vec a, vec b) {
  return (vec)(((int_vec)a & mask) | ((int_vec)b & ~mask));
}

// In these two, NaN in a lane of x stays NaN.
INLINE vec FOR_CPU(at_least)(vec x, vec low) { return FOR_CPU(select)(x < low, low, x); }

INLINE vec FOR_CPU(at_most)(vec x, vec high) { return FOR_CPU(select)(x > high, high, x); }

// 0, 1, 2, …
INLINE int_vec FOR_CPU(steps)(void) {
  static const int32_t steps[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  int_vec v;
  memcpy(&v, steps, sizeof v);
  return v;
}

// Adds halves until one lane is left.
INLINE float FOR_CPU(sum)(vec v) {
  float lane[lanes];
  FOR_CPU(store)(lane, v);
#pragma clang loop unroll(full)
  for (int half = lanes / 2; half; half /= 2)
#pragma clang loop unroll(full)
    for (int i = 0; i < half; i++) lane[i] += lane[i + half];
  return lane[0];
}

// Several vectors interleaved.
#define EACH(count) _Pragma("clang loop unroll(full)") for (int j = 0; j < count; j++)

// Every x becomes eˣ: x = n·ln 2 + r with |r| ≤ ½·ln 2, a polynomial for eʳ (Cephes' expf), n into the
// exponent.
INLINE void FOR_CPU(exponential_each)(vec *x, const int count) {
  static const float fit[5] = {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f,
                               1.6666665459e-1f, 5.0000001201e-1f};
  const vec to_integer = FOR_CPU(all)(12582912.0f);  // 1.5·2²³: adding it rounds to an integer
  vec shifted[4], p[4];
  EACH(count) {
    x[j] = FOR_CPU(at_most)(FOR_CPU(at_least)(x[j], FOR_CPU(all)(-87.33f)), FOR_CPU(all)(88.37f));
    shifted[j] = x[j] * 1.44269504f + to_integer;
    vec n = shifted[j] - to_integer;
    x[j] = x[j] - n * 0.693359375f;
    x[j] = x[j] - n * -2.12194440e-4f;
    p[j] = FOR_CPU(all)(1.9875691500e-4f);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < 5; i++)
    EACH(count) p[j] = p[j] * x[j] + fit[i];
  EACH(count) {
    p[j] = p[j] * (x[j] * x[j]) + (x[j] + 1.0f);
    int_vec exponent = ((int_vec)shifted[j] - (int_vec)to_integer + 127) << 23;
    x[j] = p[j] * (vec)exponent;
  }
}

INLINE vec FOR_CPU(exponential)(vec x) {
  FOR_CPU(exponential_each)(&x, 1);
  return x;
}

// MARK: - GELU

// x · Φ(x) = x · erfc(−x/√2) / 2. erfc by the Chebyshev fit of Numerical Recipes (`erfcc`), whose
// relative error is below 1.2e-7 everywhere, so small results of negative x stay accurate. Four
// vectors at a time, as each step of one depends on the step before.
INLINE void FOR_CPU(gelu_of)(vec x[4]) {
  vec z[4], t[4], p[4];
  EACH(4) {
    z[j] = (vec)((int_vec)x[j] & 0x7fffffff) * 0.70710678f;
    t[j] = 1.0f / (1.0f + 0.5f * z[j]);
  }
  EACH(4) {
    const vec t1 = t[j], t2 = t1 * t1, t4 = t2 * t2;
    vec a = t1 * 0.37409196f + 1.00002368f;
    vec b = t1 * -0.18628806f + 0.09678418f;
    vec c = t1 * -1.13520398f + 0.27886807f;
    vec d = t1 * -0.82215223f + 1.48851585f;
    d = t2 * 0.17087277f + d;
    p[j] = -1.26551223f + t1 * (a + b * t2 + t4 * (c + d * t2)) - z[j] * z[j];
  }
  FOR_CPU(exponential_each)(p, 4);
  EACH(4) {
    vec tail = 0.5f * t[j] * p[j];
    x[j] = x[j] * FOR_CPU(select)(x[j] > 0.0f, 1.0f - tail, tail);
  }
}

static TARGET void FOR_CPU(gelu)(const float *x, float *y, size_t count) {
  vec v[4];
  size_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    EACH(4) v[j] = FOR_CPU(load)(x + i + j * lanes);
    FOR_CPU(gelu_of)(v);
    EACH(4) FOR_CPU(store)(y + i + j * lanes, v[j]);
  }
  if (i == count) return;
  float rest[4 * lanes] = {0};
  memcpy(rest, x + i, (count - i) * sizeof *x);
  EACH(4) v[j] = FOR_CPU(load)(rest + j * lanes);
  FOR_CPU(gelu_of)(v);
  EACH(4) FOR_CPU(store)(rest + j * lanes, v[j]);
  memcpy(y + i, rest, (count - i) * sizeof *y);
}

// GELU of a tile of `rows` rows and at most 16 columns.
INLINE void FOR_CPU(gelu_tile)(const int rows, float *y, size_t stride, size_t columns) {
  if (columns < 2 * lanes) {
    for (int r = 0; r < rows; r++) FOR_CPU(gelu)(y + r * stride, y + r * stride, columns);
    return;
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r += 2) {
    vec v[4];
    float *first = y + r * stride, *second = r + 1 < rows ? first + stride : first;
    EACH(2) v[j] = FOR_CPU(load)(first + j * lanes);
    EACH(2) v[2 + j] = FOR_CPU(load)(second + j * lanes);
    FOR_CPU(gelu_of)(v);
    EACH(2) FOR_CPU(store)(first + j * lanes, v[j]);
    EACH(2) FOR_CPU(store)(second + j * lanes, v[2 + j]);
  }
}

// MARK: - Softmax

static TARGET void FOR_CPU(softmax)(float *x, size_t rows, size_t columns, float scale) {
  size_t whole = columns / lanes * lanes, rest = columns - whole;
  for (float *row = x; row < x + rows * columns; row += columns) {
    vec most = FOR_CPU(load_some)(row + whole, rest, -INFINITY);
    for (size_t i = 0; i < whole; i += lanes)
      most = FOR_CPU(at_least)(FOR_CPU(load)(row + i), most);
    float maximum = most[0];
    for (int i = 1; i < lanes; i++) maximum = most[i] > maximum ? most[i] : maximum;

    vec total = FOR_CPU(all)(0);
    size_t at = 0;
    for (; at + 4 * lanes <= whole; at += 4 * lanes) {
      vec e[4];
      EACH(4) e[j] = (FOR_CPU(load)(row + at + j * lanes) - maximum) * scale;
      FOR_CPU(exponential_each)(e, 4);
      EACH(4) {
        FOR_CPU(store)(row + at + j * lanes, e[j]);
        total += e[j];
      }
    }
    for (; at < whole; at += lanes) {
      vec e = FOR_CPU(exponential)((FOR_CPU(load)(row + at) - maximum) * scale);
      FOR_CPU(store)(row + at, e);
      total += e;
    }
    float sum = FOR_CPU(sum)(total);
    if (rest) {
      vec e = FOR_CPU(exponential)(
          (FOR_CPU(load_some)(row + whole, rest, maximum) - maximum) * scale);
      FOR_CPU(store_some)(row + whole, e, rest);
      for (size_t i = 0; i < rest; i++) sum += e[i];
    }
    float share = 1 / sum;
    size_t i = 0;
    for (; i < whole; i += lanes) FOR_CPU(store)(row + i, FOR_CPU(load)(row + i) * share);
    for (; i < columns; i++) row[i] *= share;
  }
}

// MARK: - Layer norm

static TARGET void FOR_CPU(layer_norm)(const float *x, const float *weight, const float *bias,
                                       float epsilon, float *y, size_t rows, size_t columns) {
  size_t whole = columns / lanes * lanes;
  for (size_t r = 0; r < rows; r++, x += columns, y += columns) {
    vec sums = FOR_CPU(all)(0);
    for (size_t i = 0; i < whole; i += lanes) sums += FOR_CPU(load)(x + i);
    float sum = FOR_CPU(sum)(sums);
    for (size_t i = whole; i < columns; i++) sum += x[i];
    float mean = sum / (float)columns;

    vec squares = FOR_CPU(all)(0);
    for (size_t i = 0; i < whole; i += lanes) {
      vec d = FOR_CPU(load)(x + i) - mean;
      squares += d * d;
    }
    float square = FOR_CPU(sum)(squares);
    for (size_t i = whole; i < columns; i++) square += (x[i] - mean) * (x[i] - mean);
    float scale = 1 / sqrtf(square / (float)columns + epsilon);

    size_t i = 0;
    for (; i < whole; i += lanes)
      FOR_CPU(store)
      (y + i, (FOR_CPU(load)(x + i) - mean) * scale * FOR_CPU(load)(weight + i) +
                  FOR_CPU(load)(bias + i));
    for (; i < columns; i++) y[i] = (x[i] - mean) * scale * weight[i] + bias[i];
  }
}

// MARK: - Dot product

INLINE double_vec FOR_CPU(load_doubles)(const uint8_t *p) {
  half_vec v;
  memcpy(&v, p, sizeof v);
  return __builtin_convertvector(v, double_vec);
}

static TARGET double FOR_CPU(dot)(const void *a_, const void *b_, size_t count) {
  const uint8_t *a = a_, *b = b_, *end = a + 4 * count;
  double_vec sums[4] = {0};
  for (; end - a >= 64; a += 64, b += 64)
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++)
      sums[j] += FOR_CPU(load_doubles)(a + 16 * j) * FOR_CPU(load_doubles)(b + 16 * j);
  const double_vec all = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  double sum = (all[0] + all[2]) + (all[1] + all[3]);
  for (; a < end; a += 4, b += 4) {
    float x, y;
    memcpy(&x, a, 4);
    memcpy(&y, b, 4);
    sum += (double)x * y;
  }
  return sum;
}

// MARK: - Depthwise convolution

// Seven consecutive outputs of a row, eight channels at a time. Their sums and a row of the kernel
// stay in registers; each input is read once for all outputs that it contributes to. At an edge,
// zeros replace what is outside the picture, and only `count` outputs are written.
struct FOR_CPU(window) {
  struct kernel_convolution s;
  const float *weights, *bias, *zeros;
  bool relu6;
};

INLINE void FOR_CPU(depthwise_channels)(const int kernel, const int stride, const bool edge,
                                        const struct FOR_CPU(window) *o, const float *x, int left,
                                        int first_tap, int end_tap, int count, ptrdiff_t i,
                                        size_t some, float *y) {
  const ptrdiff_t c = o->s.channels, row = o->s.width * c;
  vec sums[7];
#pragma clang loop unroll(full)
  for (int j = 0; j < 7; j++) sums[j] = FOR_CPU(load_some)(o->bias + i, some, 0);
  for (int dy = first_tap; dy < end_tap; dy++) {
    vec w[5];
#pragma clang loop unroll(full)
    for (int dx = 0; dx < kernel; dx++)
      w[dx] = FOR_CPU(load_some)(o->weights + (dy * kernel + dx) * c + i, some, 0);
    const float *from = x + dy * row + i;
#pragma clang loop unroll(full)
    for (int q = 0; q < 6 * stride + kernel; q++) {
      const float *p = from + q * c;
      if (edge && (left + q < 0 || left + q >= (int)o->s.width)) p = o->zeros;
      vec v = FOR_CPU(load_some)(p, some, 0);
#pragma clang loop unroll(full)
      for (int j = 0; j < 7; j++)
        if (q - j * stride >= 0 && q - j * stride < kernel) sums[j] += v * w[q - j * stride];
    }
  }
#pragma clang loop unroll(full)
  for (int j = 0; j < 7; j++) {
    if (o->relu6)
      sums[j] = FOR_CPU(at_most)(FOR_CPU(at_least)(sums[j], FOR_CPU(all)(0)), FOR_CPU(all)(6));
    if (!edge || j < count) FOR_CPU(store_some)(y + j * c + i, sums[j], some);
  }
}

INLINE void FOR_CPU(depthwise_row)(const int kernel, const int stride, const bool edge,
                                   const struct FOR_CPU(window) *o, const float *x, int left,
                                   int first_tap, int end_tap, int count, float *y) {
  ptrdiff_t i = 0, c = o->s.channels;
  for (; i + lanes <= c; i += lanes)
    FOR_CPU(depthwise_channels)
    (kernel, stride, edge, o, x, left, first_tap, end_tap, count, i, lanes, y);
  if (i < c)
    FOR_CPU(depthwise_channels)
    (kernel, stride, edge, o, x, left, first_tap, end_tap, count, i, c - i, y);
}

INLINE void FOR_CPU(depthwise_of)(const int kernel, const int stride,
                                  const struct FOR_CPU(window) *o, const float *x, float *y) {
  const struct kernel_convolution *s = &o->s;
  const ptrdiff_t c = s->channels, row = s->width * c;
  for (size_t oy = 0; oy < s->output_height; oy++) {
    // Taps above and below the picture are skipped.
    int top = (int)(oy * stride) - (int)s->top, below = (int)s->height - top;
    int first_tap = top < 0 ? -top : 0, end_tap = below < kernel ? below : kernel;
    for (size_t ox = 0; ox < s->output_width; ox += 7) {
      int left = (int)(ox * stride) - (int)s->left;
      int count = s->output_width - ox < 7 ? (int)(s->output_width - ox) : 7;
      const float *corner = x + top * row + left * c;
      float *to = y + (oy * s->output_width + ox) * c;
      if (count < 7 || left < 0 || left + 6 * stride + kernel > (int)s->width)
        FOR_CPU(depthwise_row)
        (kernel, stride, true, o, corner, left, first_tap, end_tap, count, to);
      else
        FOR_CPU(depthwise_row)
        (kernel, stride, false, o, corner, left, first_tap, end_tap, 7, to);
    }
  }
}

static TARGET void FOR_CPU(depthwise)(struct kernel_convolution shape, const float *x,
                                      const float *weights, const float *bias, bool relu6,
                                      float *y) {
  static const float zeros[lanes] = {0};
  const struct FOR_CPU(window) o = {shape, weights, bias, zeros, relu6};
  if (shape.kernel == 3 && shape.stride == 1) FOR_CPU(depthwise_of)(3, 1, &o, x, y);
  if (shape.kernel == 3 && shape.stride == 2) FOR_CPU(depthwise_of)(3, 2, &o, x, y);
  if (shape.kernel == 5 && shape.stride == 1) FOR_CPU(depthwise_of)(5, 1, &o, x, y);
  if (shape.kernel == 5 && shape.stride == 2) FOR_CPU(depthwise_of)(5, 2, &o, x, y);
}

#include "multiply_bodies.h"
#include "integer_bodies.h"
#include "attention_bodies.h"
#include "codes_bodies.h"
#include "training_bodies.h"
#include "attention_training_bodies.h"

static const struct kernels FOR_CPU(kernels) = {
    FOR_CPU(gelu),  FOR_CPU(softmax),           FOR_CPU(layer_norm),
    FOR_CPU(dot),   FOR_CPU(multiply_floats),   FOR_CPU(multiply_integers),
#ifdef has_pairs
    .pairs = true,
#endif
    .pack_attention = FOR_CPU(pack_attention),
    .attend = FOR_CPU(attend),
    .depthwise = FOR_CPU(depthwise),
    .score_codes = FOR_CPU(score_codes),
    .scan_codes = FOR_CPU(scan_codes),
    .unpack_codes = FOR_CPU(unpack_codes),
    .scan_whole_codes = FOR_CPU(scan_whole_codes),
    .code_score = FOR_CPU(code_score),
    .begin = FOR_CPU(begin),
    .activate = FOR_CPU(activate),
    .drop = FOR_CPU(drop),
    .gelu_backward = FOR_CPU(gelu_backward),
    .depthwise_backward = FOR_CPU(depthwise_backward),
    .layer_norm_backward = FOR_CPU(layer_norm_backward),
    .sum_columns = FOR_CPU(sum_columns),
    .cross_entropy = FOR_CPU(cross_entropy),
    .soft_cross_entropy = FOR_CPU(soft_cross_entropy),
    .adamw = FOR_CPU(adamw),
    .average = FOR_CPU(average),
    .attend_training = FOR_CPU(attend_training),
    .attend_backward = FOR_CPU(attend_backward),
};

#undef INLINE
#undef EACH
#undef FOR_CPU
#undef TARGET
#undef lanes
#undef tile_rows
#undef integer_rows
#undef has_masks
#undef has_pairs
