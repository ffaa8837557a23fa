// The kernels of CKernels.h, written once over vectors of 8 floats. The including file defines
// FOR_CPU(name) and TARGET; on a processor without such vectors the compiler splits them.

#define INLINE static inline __attribute__((always_inline)) TARGET

// MARK: - Vectors

INLINE vec FOR_CPU(load)(const float *p) { return *(const unaligned_vec *)p; }

INLINE void FOR_CPU(store)(float *p, vec v) { *(unaligned_vec *)p = v; }

INLINE vec FOR_CPU(all)(float x) { return (vec){x, x, x, x, x, x, x, x}; }

// The first `count` lanes from memory (all if there are more), the others `fill`.
INLINE vec FOR_CPU(load_some)(const float *p, size_t count, float fill) {
  if (count >= lanes) return FOR_CPU(load)(p);
  float lane[lanes];
  for (size_t i = 0; i < lanes; i++) lane[i] = i < count ? p[i] : fill;
  return FOR_CPU(load)(lane);
}

INLINE void FOR_CPU(store_some)(float *p, vec v, size_t count) {
  if (count >= lanes) {
    FOR_CPU(store)(p, v);
    return;
  }
  for (size_t i = 0; i < count; i++) p[i] = v[i];
}

INLINE vec FOR_CPU(select)(int_vec mask, vec a, vec b) {
  return (vec)(((int_vec)a & mask) | ((int_vec)b & ~mask));
}

// A lane of x that is not a number stays so in these two.
INLINE vec FOR_CPU(at_least)(vec x, vec low) { return FOR_CPU(select)(x < low, low, x); }

INLINE vec FOR_CPU(at_most)(vec x, vec high) { return FOR_CPU(select)(x > high, high, x); }

INLINE float FOR_CPU(sum)(vec v) {
  return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

// eˣ: x = n·ln 2 + r with |r| ≤ ½·ln 2, a polynomial for eʳ (Cephes' expf), n into the exponent.
INLINE vec FOR_CPU(exponential)(vec x) {
  const vec to_integer = FOR_CPU(all)(12582912.0f);  // 1.5·2²³: adding it rounds to an integer
  x = FOR_CPU(at_most)(FOR_CPU(at_least)(x, FOR_CPU(all)(-87.33f)), FOR_CPU(all)(88.37f));
  vec shifted = x * 1.44269504f + to_integer;
  vec n = shifted - to_integer;
  vec r = x - n * 0.693359375f;
  r = r - n * -2.12194440e-4f;
  vec p = FOR_CPU(all)(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + (r + 1.0f);
  int_vec exponent = ((int_vec)shifted - (int_vec)to_integer + 127) << 23;
  return p * (vec)exponent;
}

// MARK: - GELU

// x · Φ(x) = x · erfc(−x/√2) / 2. erfc by the Chebyshev fit of Numerical Recipes (`erfcc`), whose
// relative error is below 1.2e-7 everywhere, so small results of negative x stay accurate.
INLINE vec FOR_CPU(gelu_of)(vec x) {
  vec z = (vec)((int_vec)x & 0x7fffffff) * 0.70710678f;
  vec t = 1.0f / (1.0f + 0.5f * z);
  vec p = FOR_CPU(all)(0.17087277f);
  p = p * t + -0.82215223f;
  p = p * t + 1.48851587f;
  p = p * t + -1.13520398f;
  p = p * t + 0.27886807f;
  p = p * t + -0.18628806f;
  p = p * t + 0.09678418f;
  p = p * t + 0.37409196f;
  p = p * t + 1.00002368f;
  p = p * t + -1.26551223f;
  vec tail = 0.5f * t * FOR_CPU(exponential)(p - z * z);
  return x * FOR_CPU(select)(x > 0.0f, 1.0f - tail, tail);
}

static TARGET void FOR_CPU(gelu)(const float *x, float *y, size_t count) {
  size_t i = 0;
  for (; i + lanes <= count; i += lanes)
    FOR_CPU(store)(y + i, FOR_CPU(gelu_of)(FOR_CPU(load)(x + i)));
  if (i < count)
    FOR_CPU(store_some)
    (y + i, FOR_CPU(gelu_of)(FOR_CPU(load_some)(x + i, count - i, 0)), count - i);
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
    for (size_t i = 0; i < whole; i += lanes) {
      vec e = FOR_CPU(exponential)((FOR_CPU(load)(row + i) - maximum) * scale);
      FOR_CPU(store)(row + i, e);
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

static TARGET float FOR_CPU(dot)(const float *a, const float *b, size_t count) {
  vec sums[4] = {0};
  size_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes)
    for (int j = 0; j < 4; j++)
      sums[j] += FOR_CPU(load)(a + i + j * lanes) * FOR_CPU(load)(b + i + j * lanes);
  for (; i + lanes <= count; i += lanes) sums[0] += FOR_CPU(load)(a + i) * FOR_CPU(load)(b + i);
  float sum = FOR_CPU(sum)((sums[0] + sums[1]) + (sums[2] + sums[3]));
  for (; i < count; i++) sum += a[i] * b[i];
  return sum;
}

// MARK: - Multiplication by packed weights

// Where a block of a product lies: rows first..<end, and the part of the depth that is summed up.
struct FOR_CPU(block) {
  const float *x;
  size_t k, n;
  size_t first_row, end_row;
  size_t first_depth, end_depth;
  struct kernel_epilogue epilogue;
  const float *scales;
  float *y;
};

INLINE vec FOR_CPU(finish)(const struct FOR_CPU(block) *b, vec sum, size_t column, size_t at,
                           size_t some) {
  if (b->scales) sum *= FOR_CPU(load_some)(b->scales + column, some, 0);
  sum += FOR_CPU(load_some)(b->epilogue.bias + column, some, 0);
  if (b->epilogue.addend) sum += FOR_CPU(load_some)(b->epilogue.addend + at, some, 0);
  if (b->epilogue.relu6)
    sum = FOR_CPU(at_most)(FOR_CPU(at_least)(sum, FOR_CPU(all)(0)), FOR_CPU(all)(6));
  return sum;
}

// `rows` rows of x against one panel of `vectors`·8 columns; all sums stay in registers. Sums of an
// unfinished depth wait in y.
INLINE void FOR_CPU(tile)(const int rows, const int vectors, const bool quantized,
                          const struct FOR_CPU(block) *b, const void *panel, size_t column,
                          size_t row) {
  vec sums[8][2];
  const size_t n = b->n, k = b->k;
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      size_t first = column + v * lanes, at = (row + r) * n + first;
      if (b->first_depth == 0)
        sums[r][v] = FOR_CPU(all)(0);
      else
        sums[r][v] = FOR_CPU(load_some)(b->y + at, first < n ? n - first : 0, 0);
    }
  const float *x = b->x + row * k;
  const float *floats = (const float *)panel + b->first_depth * vectors * lanes;
  const int8_t *bytes = (const int8_t *)panel + b->first_depth * vectors * lanes;
  for (size_t i = b->first_depth; i < b->end_depth; i++) {
    vec w[2];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++)
      w[v] = quantized ? __builtin_convertvector(*(const byte_vec *)(bytes + v * lanes), vec)
                       : FOR_CPU(load)(floats + v * lanes);
    floats += vectors * lanes;
    bytes += vectors * lanes;
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      vec factor = FOR_CPU(all)(x[(size_t)r * k + i]);
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++) sums[r][v] += factor * w[v];
    }
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      size_t first = column + v * lanes, at = (row + r) * n + first;
      if (first >= n) continue;
      vec sum = sums[r][v];
      if (b->end_depth == k) sum = FOR_CPU(finish)(b, sum, first, at, n - first);
      FOR_CPU(store_some)(b->y + at, sum, n - first);
    }
}

// A panel against the rows of a block, `height` at a time: 6×16 sums fill the registers.
#define PANEL(name, vectors, quantized, height, remainders)                                       \
  static TARGET void FOR_CPU(name)(const struct FOR_CPU(block) *b, const void *panel,             \
                                   size_t column) {                                               \
    size_t row = b->first_row;                                                                    \
    for (; row + height <= b->end_row; row += height)                                             \
      FOR_CPU(tile)(height, vectors, quantized, b, panel, column, row);                           \
    switch (b->end_row - row) { remainders(vectors, quantized) }                                  \
  }
#define REMAINDER(rows, vectors, quantized)                                                       \
  case rows:                                                                                      \
    FOR_CPU(tile)(rows, vectors, quantized, b, panel, column, row);                               \
    break;
#define REMAINDERS_6(v, q)                                                                        \
  REMAINDER(1, v, q) REMAINDER(2, v, q) REMAINDER(3, v, q) REMAINDER(4, v, q) REMAINDER(5, v, q)
#define REMAINDERS_8(v, q) REMAINDERS_6(v, q) REMAINDER(6, v, q) REMAINDER(7, v, q)

PANEL(floats_8, 1, false, 8, REMAINDERS_8)
PANEL(floats_16, 2, false, 6, REMAINDERS_6)
PANEL(bytes_8, 1, true, 8, REMAINDERS_8)
PANEL(bytes_16, 2, true, 6, REMAINDERS_6)

#undef PANEL
#undef REMAINDER
#undef REMAINDERS_6
#undef REMAINDERS_8

static TARGET void FOR_CPU(multiply_packed)(const float *x, size_t m, size_t k,
                                            struct kernel_panels w, size_t n,
                                            struct kernel_epilogue epilogue, float *y) {
  // A slice of a panel stays in the first-level cache while the rows of a block pass, and the block
  // in the second-level cache while the panels pass.
  const size_t deepest = 512;
  size_t depth = k <= deepest + deepest / 2 ? k : deepest;
  size_t height = 32768 / (depth + 1) / 24 * 24;
  if (height < 24) height = 24;
  struct FOR_CPU(block) b = {.x = x, .k = k, .n = n, .epilogue = epilogue, .scales = w.scales,
                             .y = y};
  for (b.first_row = 0; b.first_row < m; b.first_row = b.end_row) {
    b.end_row = m - b.first_row <= height ? m : b.first_row + height;
    for (b.first_depth = 0; b.first_depth < k; b.first_depth = b.end_depth) {
      b.end_depth = k - b.first_depth <= depth ? k : b.first_depth + depth;
      for (size_t column = 0; column < n;) {
        size_t width = panel_width(n - column);
        if (w.floats)
          (width == 16 ? FOR_CPU(floats_16) : FOR_CPU(floats_8))(&b, w.floats + column * k,
                                                                 column);
        else
          (width == 16 ? FOR_CPU(bytes_16) : FOR_CPU(bytes_8))(&b, w.bytes + column * k, column);
        column += width;
      }
    }
  }
}

// MARK: - Depthwise convolution

// Seven neighbouring outputs of a row, eight channels at a time. Their sums and a row of the kernel
// stay in registers; every input is read once for all outputs that it is part of. At an edge, zeros
// are read in place of what lies outside the picture, and only `count` outputs are written.
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
    // The taps above and below the picture are left out.
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

static const struct kernels FOR_CPU(kernels) = {
    FOR_CPU(gelu),      FOR_CPU(softmax),         FOR_CPU(layer_norm), FOR_CPU(dot),
    FOR_CPU(multiply_packed), FOR_CPU(depthwise),
};

#undef INLINE
