// Attention of one head in training, included by kernel_bodies.h. The segments are short (a dozen
// words, fifty patches), so nothing is packed into panels: every second factor is read row by row.
// The rows of a head are first copied together and padded with zeros to whole vectors: in the matrix
// they are as far apart as the model is wide, and would share a few sets of the cache.

INLINE size_t FOR_CPU(whole_vectors)(size_t count) { return (count + lanes - 1) / lanes * lanes; }

static TARGET void FOR_CPU(gather)(const float *x, size_t stride, size_t rows, size_t columns,
                                   float *to) {
  for (size_t row = 0; row < rows; row++, x += stride)
    for (size_t i = 0; i < columns; i += lanes, to += lanes)
      FOR_CPU(store)(to, FOR_CPU(load_some)(x + i, columns - i, 0));
}

// Copies rows back, adding to what is there or replacing it.
INLINE void FOR_CPU(scatter)(const float *x, size_t rows, size_t columns, bool adds, float *to,
                             size_t stride) {
  for (size_t row = 0; row < rows; row++, to += stride)
    for (size_t i = 0; i < columns; i += lanes, x += lanes) {
      vec sum = FOR_CPU(load)(x);
      if (adds) sum += FOR_CPU(load_some)(to + i, columns - i, 0);
      FOR_CPU(store_some)(to + i, sum, columns - i);
    }
}

// c [m, n] = a [m, k] · b [k, n] (+ c), with the number (i, j) of a at i · a_row + j · a_column, and n
// a multiple of the lanes.
struct FOR_CPU(rows_product) {
  const float *a;
  size_t a_row, a_column;
  const float *b;
  float *c;
  size_t m, n, k;
  bool adds;
};

INLINE void FOR_CPU(rows_tile)(const int rows, const int vectors,
                               const struct FOR_CPU(rows_product) *p, size_t row, size_t column) {
  vec sums[6][2];
  float *c = p->c + row * p->n + column;
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++)
      sums[r][v] = p->adds ? FOR_CPU(load)(c + r * p->n + v * lanes) : FOR_CPU(all)(0);
  const float *a = p->a + row * p->a_row, *b = p->b + column;
  const size_t a_row = p->a_row, a_column = p->a_column, n = p->n, k = p->k;
  for (size_t i = 0; i < k; i++, a += a_column, b += n) {
    vec factors[2];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) factors[v] = FOR_CPU(load)(b + v * lanes);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      vec factor = FOR_CPU(all)(a[r * a_row]);
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++) sums[r][v] += factor * factors[v];
    }
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) FOR_CPU(store)(c + r * n + v * lanes, sums[r][v]);
}

// The rows in equal parts of at most 6: a single row would be bound by the latency of its sums.
#define ROWS(name, vectors)                                                                    \
  static TARGET void FOR_CPU(name)(const struct FOR_CPU(rows_product) *p, size_t column) {     \
    size_t parts = (p->m + 5) / 6;                                                             \
    for (size_t row = 0; row < p->m;) {                                                        \
      const size_t rows = (p->m - row + parts - 1) / parts;                                    \
      switch (rows) {                                                                          \
        ROWS_OF(1, vectors)                                                                    \
        ROWS_OF(2, vectors)                                                                    \
        ROWS_OF(3, vectors)                                                                    \
        ROWS_OF(4, vectors)                                                                    \
        ROWS_OF(5, vectors)                                                                    \
        ROWS_OF(6, vectors)                                                                    \
      }                                                                                        \
      row += rows;                                                                             \
      parts -= 1;                                                                              \
    }                                                                                          \
  }
#define ROWS_OF(rows, vectors)                                                                 \
  case rows:                                                                                   \
    FOR_CPU(rows_tile)(rows, vectors, p, row, column);                                         \
    break;

ROWS(rows_of_two, 2)
ROWS(rows_of_one, 1)

#undef ROWS
#undef ROWS_OF

static TARGET void FOR_CPU(multiply_rows)(struct FOR_CPU(rows_product) p) {
  size_t column = 0;
  for (; column + 2 * lanes <= p.n; column += 2 * lanes) FOR_CPU(rows_of_two)(&p, column);
  if (column < p.n) FOR_CPU(rows_of_one)(&p, column);
}

// Transposes gathered rows to [depth, width], padded with zeros: interleaving the first half of
// `lanes` vectors with the second, log2(lanes) times, transposes them.
static TARGET void FOR_CPU(transpose)(const float *x, size_t rows, size_t depth, float *to,
                                      size_t width) {
  for (size_t row = 0; row < rows; row += lanes)
    for (size_t column = 0; column < depth; column += lanes) {
      vec v[lanes], next[lanes];
#pragma clang loop unroll(full)
      for (size_t i = 0; i < lanes; i++)
        v[i] = row + i < rows ? FOR_CPU(load)(x + (row + i) * depth + column) : FOR_CPU(all)(0);
#pragma clang loop unroll(full)
      for (int round = lanes; round > 1; round /= 2) {
#pragma clang loop unroll(full)
        for (int i = 0; i < lanes / 2; i++) {
          const vec a = v[i], b = v[i + lanes / 2];
#if lanes == 8
          next[2 * i] = __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
          next[2 * i + 1] = __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
#else
          next[2 * i] = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6,
                                                22, 7, 23);
          next[2 * i + 1] = __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13,
                                                    29, 14, 30, 15, 31);
#endif
        }
#pragma clang loop unroll(full)
        for (int i = 0; i < lanes; i++) v[i] = next[i];
      }
#pragma clang loop unroll(full)
      for (size_t i = 0; i < lanes; i++) FOR_CPU(store)(to + (column + i) * width + row, v[i]);
    }
}

// Replaces the first `seen` numbers of a row by their softmax, and the others, up to `width`, by zero.
INLINE void FOR_CPU(softmax_of_seen)(float *row, size_t seen, size_t width, float scale) {
  const int_vec steps = FOR_CPU(steps)();
  vec most = FOR_CPU(all)(-INFINITY), total = FOR_CPU(all)(0);
  for (size_t i = 0; i < seen; i += lanes) {
    vec x = FOR_CPU(select)(steps < (int32_t)(seen - i), FOR_CPU(load)(row + i), most);
    most = FOR_CPU(at_least)(x, most);
  }
  float maximum = most[0];
  for (int i = 1; i < lanes; i++) maximum = most[i] > maximum ? most[i] : maximum;
  for (size_t i = 0; i < seen; i += lanes) {
    vec e = FOR_CPU(exponential)((FOR_CPU(load)(row + i) - maximum) * scale);
    e = (vec)((int_vec)e & (steps < (int32_t)(seen - i)));
    FOR_CPU(store)(row + i, e);
    total += e;
  }
  const float share = 1 / FOR_CPU(sum)(total);
  for (size_t i = 0; i < seen; i += lanes) FOR_CPU(store)(row + i, FOR_CPU(load)(row + i) * share);
  for (size_t i = (seen + lanes - 1) / lanes * lanes; i < width; i += lanes)
    FOR_CPU(store)(row + i, FOR_CPU(all)(0));
}

// The probabilities, before dropout, of `rows` gathered queries, starting with the segment's query
// `first`.
static TARGET void FOR_CPU(probabilities)(const struct kernel_attention *a, bool causal,
                                          const float *queries, const float *keys, size_t first,
                                          size_t rows, float *scores) {
  const size_t width = FOR_CPU(whole_vectors)(a->keys);
  FOR_CPU(multiply_rows)((struct FOR_CPU(rows_product)){
      .a = queries, .a_row = FOR_CPU(whole_vectors)(a->size), .a_column = 1, .b = keys, .c = scores,
      .m = rows, .n = width, .k = a->size});
  for (size_t i = 0; i < rows; i++) {
    const size_t seen = causal ? a->keys - a->queries + first + i + 1 : a->keys;
    FOR_CPU(softmax_of_seen)(scores + i * width, seen, width, a->scale);
  }
}

static TARGET void FOR_CPU(attend_training)(struct kernel_attention a,
                                            struct kernel_attention_training t, float *scratch) {
  const size_t width = FOR_CPU(whole_vectors)(a.keys), depth = FOR_CPU(whole_vectors)(a.size);
  float *keys = scratch, *values = keys + depth * width, *scores = values + a.keys * depth;
  float *queries = scores + kernel_attention_rows * width, *context = queries + kernel_attention_rows * depth;
  FOR_CPU(gather)(a.k, a.k_stride, a.keys, a.size, values);
  FOR_CPU(transpose)(values, a.keys, depth, keys, width);
  FOR_CPU(gather)(a.v, a.v_stride, a.keys, a.size, values);
  for (size_t first = 0; first < a.queries; first += kernel_attention_rows) {
    const size_t rows = a.queries - first < kernel_attention_rows ? a.queries - first : kernel_attention_rows;
    FOR_CPU(gather)(a.q + first * a.q_stride, a.q_stride, rows, a.size, queries);
    FOR_CPU(probabilities)(&a, t.causal, queries, keys, first, rows, scores);
    if (t.dropout.threshold)
      for (size_t i = 0; i < rows; i++)
        FOR_CPU(drop)
        (scores + i * width, t.first_row + (first + i) * t.row_stride, 1, width, t.dropout);
    FOR_CPU(multiply_rows)((struct FOR_CPU(rows_product)){
        .a = scores, .a_row = width, .a_column = 1, .b = values, .c = context, .m = rows,
        .n = depth, .k = a.keys});
    FOR_CPU(scatter)(context, rows, a.size, false, a.context + first * a.context_stride,
                     a.context_stride);
  }
}

// For one row of probabilities p, and the gradient d of the probabilities after dropout: replaces d by
// the gradient of the scores, scale · p · (f·d − Σ p·f·d) with the dropout's factors f, and p by f·p.
INLINE void FOR_CPU(softmax_backward)(float *p, float *d, size_t width, float scale,
                                      struct kernel_dropout dropout, size_t row) {
  const uint64_t seed = FOR_CPU(row_seed)(dropout.key, row);
  vec sums = FOR_CPU(all)(0);
  for (size_t i = 0; i < width; i += lanes) {
    vec d_ = FOR_CPU(load)(d + i);
    if (dropout.threshold) d_ *= FOR_CPU(dropout_factors)(dropout, seed, i);
    FOR_CPU(store)(d + i, d_);
    sums += d_ * FOR_CPU(load)(p + i);
  }
  const float sum = FOR_CPU(sum)(sums);
  for (size_t i = 0; i < width; i += lanes) {
    vec p_ = FOR_CPU(load)(p + i);
    FOR_CPU(store)(d + i, p_ * (FOR_CPU(load)(d + i) - sum) * scale);
    if (dropout.threshold)
      FOR_CPU(store)(p + i, p_ * FOR_CPU(dropout_factors)(dropout, seed, i));
  }
}

static TARGET void FOR_CPU(attend_backward)(struct kernel_attention a,
                                            struct kernel_attention_training t,
                                            struct kernel_attention_gradient g, float *scratch) {
  const size_t width = FOR_CPU(whole_vectors)(a.keys), depth = FOR_CPU(whole_vectors)(a.size);
  float *k = scratch, *keys = k + a.keys * depth, *values = keys + depth * width;
  float *dk = values + depth * width, *dv = dk + a.keys * depth, *p = dv + a.keys * depth;
  float *d = p + kernel_attention_rows * width, *q = d + kernel_attention_rows * width;
  float *dq = q + kernel_attention_rows * depth, *dc = dq + kernel_attention_rows * depth;
  FOR_CPU(gather)(a.k, a.k_stride, a.keys, a.size, k);
  FOR_CPU(transpose)(k, a.keys, depth, keys, width);
  FOR_CPU(gather)(a.v, a.v_stride, a.keys, a.size, dv);
  FOR_CPU(transpose)(dv, a.keys, depth, values, width);
  for (size_t first = 0; first < a.queries; first += kernel_attention_rows) {
    const size_t rows = a.queries - first < kernel_attention_rows ? a.queries - first : kernel_attention_rows;
    FOR_CPU(gather)(a.q + first * a.q_stride, a.q_stride, rows, a.size, q);
    FOR_CPU(gather)(g.d_context + first * g.d_context_stride, g.d_context_stride, rows, a.size, dc);
    FOR_CPU(probabilities)(&a, t.causal, q, keys, first, rows, p);
    FOR_CPU(multiply_rows)((struct FOR_CPU(rows_product)){
        .a = dc, .a_row = depth, .a_column = 1, .b = values, .c = d, .m = rows, .n = width,
        .k = a.size});
    for (size_t i = 0; i < rows; i++)
      FOR_CPU(softmax_backward)
      (p + i * width, d + i * width, width, a.scale, t.dropout,
       t.first_row + (first + i) * t.row_stride);
    FOR_CPU(multiply_rows)((struct FOR_CPU(rows_product)){
        .a = p, .a_row = 1, .a_column = width, .b = dc, .c = dv, .m = a.keys, .n = depth,
        .k = rows, .adds = first > 0});
    FOR_CPU(multiply_rows)((struct FOR_CPU(rows_product)){
        .a = d, .a_row = 1, .a_column = width, .b = q, .c = dk, .m = a.keys, .n = depth,
        .k = rows, .adds = first > 0});
    FOR_CPU(multiply_rows)((struct FOR_CPU(rows_product)){
        .a = d, .a_row = width, .a_column = 1, .b = k, .c = dq, .m = rows, .n = depth,
        .k = a.keys});
    FOR_CPU(scatter)(dq, rows, a.size, true, g.dq + first * g.dq_stride, g.dq_stride);
  }
  FOR_CPU(scatter)(dk, a.keys, a.size, true, g.dk, g.dk_stride);
  FOR_CPU(scatter)(dv, a.keys, a.size, true, g.dv, g.dv_stride);
}
