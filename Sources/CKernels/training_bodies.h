// Gradients, losses and the optimiser's update, included by kernel_bodies.h.

// MARK: - Around a product

static TARGET void FOR_CPU(begin)(struct kernel_block block, const float *bias,
                                  const float *addend, float *y) {
  for (size_t row = 0; row < block.rows; row++, y += block.stride) {
    for (size_t i = 0; i < block.columns; i += lanes) {
      const size_t some = block.columns - i;
      vec sum = FOR_CPU(load_some)(bias + i, some, 0);
      if (addend) sum += FOR_CPU(load_some)(addend + row * block.stride + i, some, 0);
      FOR_CPU(store_some)(y + i, sum, some);
    }
  }
}

static TARGET void FOR_CPU(activate)(struct kernel_block block, enum kernel_activation activation,
                                     float *y) {
  for (size_t row = 0; row < block.rows; row++, y += block.stride) {
    if (activation == kernel_gelu_activation) FOR_CPU(gelu)(y, y, block.columns);
    if (activation == kernel_relu6)
      for (size_t i = 0; i < block.columns; i++) y[i] = y[i] < 0 ? 0 : y[i] > 6 ? 6 : y[i];
  }
}

// MARK: - Dropout

// The seed of a row (SplitMix64).
INLINE uint64_t FOR_CPU(row_seed)(uint64_t key, size_t row) {
  uint64_t z = key + (row + 1) * 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

// The factors of consecutive numbers of a row, 0 or the scale: MurmurHash3's finaliser of the row's
// seed and the columns.
INLINE vec FOR_CPU(dropout_factors)(struct kernel_dropout dropout, uint64_t seed, size_t column) {
  uint_vec x = ((uint_vec)FOR_CPU(steps)() + (uint32_t)column) * 0x9E3779B1u + (uint32_t)seed;
  x = (x ^ (x >> 16)) * 0x85EBCA6Bu;
  x = (x ^ (x >> 13) ^ (uint32_t)(seed >> 32)) * 0xC2B2AE35u;
  x = (x ^ (x >> 16)) >> 8;
  int_vec kept = (int_vec)x >= (int32_t)dropout.threshold;
  return (vec)(kept & (int_vec)FOR_CPU(all)(dropout.scale));
}

static TARGET void FOR_CPU(drop)(float *x, size_t first_row, size_t rows, size_t columns,
                                 struct kernel_dropout dropout) {
  for (size_t row = first_row; row < first_row + rows; row++, x += columns) {
    const uint64_t seed = FOR_CPU(row_seed)(dropout.key, row);
    for (size_t i = 0; i < columns; i += lanes) {
      vec kept = FOR_CPU(load_some)(x + i, columns - i, 0);
      kept *= FOR_CPU(dropout_factors)(dropout, seed, i);
      FOR_CPU(store_some)(x + i, kept, columns - i);
    }
  }
}

// MARK: - GELU

// Φ(x) + x · φ(x), with erfc(z) = e^(−z²) · (a₁t + … + a₅t⁵), 1/t = 1 + 0.3275911·z, of Abramowitz
// and Stegun 7.1.26: within 1.5e-7, and with one exponential for both.
INLINE vec FOR_CPU(gelu_derivative)(vec x) {
  vec z = (vec)((int_vec)x & 0x7fffffff) * 0.70710678f;
  vec t = 1.0f / (1.0f + 0.3275911f * z);
  vec p = FOR_CPU(all)(1.061405429f);
  p = p * t + -1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t + -0.284496736f;
  p = p * t + 0.254829592f;
  vec bell = FOR_CPU(exponential)(-(z * z));
  vec tail = 0.5f * t * p * bell;
  return FOR_CPU(select)(x > 0.0f, 1.0f - tail, tail) + x * bell * 0.39894228f;
}

static TARGET void FOR_CPU(gelu_backward)(const float *x, float *dy, size_t count) {
  size_t i = 0;
  for (; i + lanes <= count; i += lanes)
    FOR_CPU(store)
    (dy + i, FOR_CPU(load)(dy + i) * FOR_CPU(gelu_derivative)(FOR_CPU(load)(x + i)));
  if (i < count) {
    vec slope = FOR_CPU(gelu_derivative)(FOR_CPU(load_some)(x + i, count - i, 0));
    FOR_CPU(store_some)(dy + i, FOR_CPU(load_some)(dy + i, count - i, 0) * slope, count - i);
  }
}

// MARK: - Depthwise convolution

// A few channels of a 7 × 7 map stay in the first-level cache for all taps.
static TARGET void FOR_CPU(depthwise_backward)(struct kernel_convolution s, const float *x,
                                               const float *dy, size_t count, float *d_weights) {
  for (size_t i = 0; i < count; i += lanes) {
    const size_t some = count - i;
    for (size_t tap = 0; tap < s.kernel * s.kernel; tap++) {
      const size_t down = tap / s.kernel, right = tap % s.kernel;
      float *sum = d_weights + tap * s.channels + i;
      vec total = FOR_CPU(load_some)(sum, some, 0);
      for (size_t oy = 0; oy < s.output_height; oy++) {
        // Above or left of the map the unsigned difference wraps and exceeds any size.
        const size_t row = oy * s.stride + down - s.top;
        if (row >= s.height) continue;
        for (size_t ox = 0; ox < s.output_width; ox++) {
          const size_t column = ox * s.stride + right - s.left;
          if (column >= s.width) continue;
          const float *from = x + (row * s.width + column) * s.channels + i;
          const float *d = dy + (oy * s.output_width + ox) * s.channels + i;
          total += FOR_CPU(load_some)(from, some, 0) * FOR_CPU(load_some)(d, some, 0);
        }
      }
      FOR_CPU(store_some)(sum, total, some);
    }
  }
}

// MARK: - Layer norm

// With x̂ the normed row and g = dy · weight: dx = (g − mean(g) − x̂ · mean(g · x̂)) / deviation.
static TARGET void FOR_CPU(layer_norm_backward)(const float *dy, const float *x,
                                                const float *weight, float epsilon,
                                                bool accumulates, float *dx, float *d_weight,
                                                float *d_bias, size_t rows, size_t columns) {
  const size_t whole = columns / lanes * lanes;
  for (size_t r = 0; r < rows; r++, x += columns, dy += columns, dx += columns) {
    vec sums = FOR_CPU(all)(0);
    for (size_t i = 0; i < whole; i += lanes) sums += FOR_CPU(load)(x + i);
    float mean = FOR_CPU(sum)(sums);
    for (size_t i = whole; i < columns; i++) mean += x[i];
    mean /= (float)columns;

    vec squares = FOR_CPU(all)(0), gradients = squares, products = squares;
    for (size_t i = 0; i < whole; i += lanes) {
      vec d = FOR_CPU(load)(x + i) - mean;
      vec g = FOR_CPU(load)(dy + i) * FOR_CPU(load)(weight + i);
      squares += d * d;
      gradients += g;
      products += g * d;
    }
    float square = FOR_CPU(sum)(squares), gradient = FOR_CPU(sum)(gradients);
    float product = FOR_CPU(sum)(products);
    for (size_t i = whole; i < columns; i++) {
      float d = x[i] - mean, g = dy[i] * weight[i];
      square += d * d;
      gradient += g;
      product += g * d;
    }
    const float share = 1 / (float)columns, scale = 1 / sqrtf(square * share + epsilon);
    gradient *= share;
    product *= share * scale;

    for (size_t i = 0; i < whole; i += lanes) {
      vec normed = (FOR_CPU(load)(x + i) - mean) * scale, d = FOR_CPU(load)(dy + i);
      vec g = d * FOR_CPU(load)(weight + i);
      vec out = (g - gradient - normed * product) * scale;
      if (accumulates) out += FOR_CPU(load)(dx + i);
      FOR_CPU(store)(dx + i, out);
      FOR_CPU(store)(d_weight + i, FOR_CPU(load)(d_weight + i) + d * normed);
      FOR_CPU(store)(d_bias + i, FOR_CPU(load)(d_bias + i) + d);
    }
    for (size_t i = whole; i < columns; i++) {
      float normed = (x[i] - mean) * scale;
      float out = (dy[i] * weight[i] - gradient - normed * product) * scale;
      dx[i] = accumulates ? dx[i] + out : out;
      d_weight[i] += dy[i] * normed;
      d_bias[i] += dy[i];
    }
  }
}

static TARGET void FOR_CPU(sum_columns)(const float *x, size_t stride, size_t rows,
                                        size_t columns, float *sums) {
  for (size_t i = 0; i < columns; i += 4 * lanes) {
    vec total[4];
    for (size_t v = 0; v < 4; v++) total[v] = FOR_CPU(all)(0);
    if (i + 4 * lanes <= columns) {
      for (size_t row = 0; row < rows; row++)
        for (size_t v = 0; v < 4; v++)
          total[v] += FOR_CPU(load)(x + row * stride + i + v * lanes);
      for (size_t v = 0; v < 4; v++)
        FOR_CPU(store)(sums + i + v * lanes, FOR_CPU(load)(sums + i + v * lanes) + total[v]);
    } else {
      for (size_t row = 0; row < rows; row++)
        for (size_t j = i; j < columns; j++) sums[j] += x[row * stride + j];
    }
  }
}

// MARK: - Cross entropy

INLINE float FOR_CPU(maximum)(const float *x, size_t count) {
  vec most = FOR_CPU(all)(-INFINITY);
  for (size_t i = 0; i < count; i += lanes)
    most = FOR_CPU(at_least)(FOR_CPU(load_some)(x + i, count - i, -INFINITY), most);
  float maximum = most[0];
  for (int i = 1; i < lanes; i++) maximum = most[i] > maximum ? most[i] : maximum;
  return maximum;
}

// Replaces every x by exp(x − maximum); returns their sum.
INLINE float FOR_CPU(exponentials)(float *x, size_t count, float maximum) {
  vec total = FOR_CPU(all)(0);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    vec e = FOR_CPU(exponential)(FOR_CPU(load)(x + i) - maximum);
    FOR_CPU(store)(x + i, e);
    total += e;
  }
  float sum = FOR_CPU(sum)(total);
  if (i < count) {
    vec e = FOR_CPU(exponential)(FOR_CPU(load_some)(x + i, count - i, maximum) - maximum);
    FOR_CPU(store_some)(x + i, e, count - i);
    for (size_t j = 0; i + j < count; j++) sum += e[j];
  }
  return sum;
}

static TARGET double FOR_CPU(cross_entropy)(float *logits, size_t columns, size_t target,
                                            float smoothing, float scale) {
  const float maximum = FOR_CPU(maximum)(logits, columns), share = smoothing / (float)columns;
  double loss = -(1 - (double)smoothing) * ((double)logits[target] - maximum);
  if (smoothing > 0) {
    vec sums = FOR_CPU(all)(0);
    for (size_t i = 0; i < columns; i += lanes)
      sums += FOR_CPU(load_some)(logits + i, columns - i, maximum) - maximum;
    loss -= (double)share * FOR_CPU(sum)(sums);
  }
  const float sum = FOR_CPU(exponentials)(logits, columns, maximum);
  const float factor = scale / sum, less = share * scale;
  for (size_t i = 0; i < columns; i += lanes) {
    vec p = FOR_CPU(load_some)(logits + i, columns - i, 0);
    FOR_CPU(store_some)(logits + i, p * factor - less, columns - i);
  }
  logits[target] -= (1 - smoothing) * scale;
  return loss + log((double)sum);
}

static TARGET double FOR_CPU(soft_cross_entropy)(float *logits, const float *targets,
                                                 size_t columns, float scale) {
  const float maximum = FOR_CPU(maximum)(logits, columns);
  vec products = FOR_CPU(all)(0);
  for (size_t i = 0; i < columns; i += lanes)
    products += FOR_CPU(load_some)(targets + i, columns - i, 0) *
                (FOR_CPU(load_some)(logits + i, columns - i, maximum) - maximum);
  const float sum = FOR_CPU(exponentials)(logits, columns, maximum);
  const float factor = scale / sum;
  for (size_t i = 0; i < columns; i += lanes) {
    vec p = FOR_CPU(load_some)(logits + i, columns - i, 0);
    vec t = FOR_CPU(load_some)(targets + i, columns - i, 0);
    FOR_CPU(store_some)(logits + i, p * factor - t * scale, columns - i);
  }
  return log((double)sum) - FOR_CPU(sum)(products);
}

// MARK: - The optimiser

INLINE void FOR_CPU(adamw_of)(vec *p, vec g, vec *m, vec *v, struct kernel_adamw s) {
  g *= s.gradient_scale;
  *m = *m * s.beta1 + g * (1 - s.beta1);
  *v = *v * s.beta2 + g * g * (1 - s.beta2);
  *p = *p * s.decay - *m * s.rate / (__builtin_elementwise_sqrt(*v * s.correction) + s.epsilon);
}

static TARGET void FOR_CPU(adamw)(float *p, const float *g, float *m, float *v, size_t count,
                                  struct kernel_adamw step) {
  for (size_t i = 0; i < count; i += lanes) {
    const size_t some = count - i;
    vec p_ = FOR_CPU(load_some)(p + i, some, 0), g_ = FOR_CPU(load_some)(g + i, some, 0);
    vec m_ = FOR_CPU(load_some)(m + i, some, 0), v_ = FOR_CPU(load_some)(v + i, some, 0);
    FOR_CPU(adamw_of)(&p_, g_, &m_, &v_, step);
    FOR_CPU(store_some)(p + i, p_, some);
    FOR_CPU(store_some)(m + i, m_, some);
    FOR_CPU(store_some)(v + i, v_, some);
  }
}

static TARGET void FOR_CPU(average)(float *p, const float *q, size_t count, float keeping) {
  for (size_t i = 0; i < count; i += lanes) {
    vec q_ = FOR_CPU(load_some)(q + i, count - i, 0);
    vec p_ = FOR_CPU(load_some)(p + i, count - i, 0);
    FOR_CPU(store_some)(p + i, p_ * keeping + q_ * (1 - keeping), count - i);
  }
}
