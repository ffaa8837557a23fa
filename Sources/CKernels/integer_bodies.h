// Products in integers, included by kernel_bodies.h. A row of x is quantised to 7-bit numbers q,
// x ≈ low + step · q; with a weight of 7 bits, w = scale · v, Σ x·w = scale · (step · Σ q·v + low · Σ v).

// Quantises one row to 7 bits, padded with zeros to a multiple of 8. A row with a number that is not
// finite gets the step NaN, so that all its results are NaN.
static TARGET void FOR_CPU(quantize_row)(const float *x, size_t k, uint8_t *to, float *step,
                                         float *low) {
// Fused multiply-adds would round differently on different processors.
#pragma clang fp contract(off)
  const size_t whole = k / lanes * lanes, rest = k - whole;
  vec least = FOR_CPU(all)(x[0]), most = least, unsound = FOR_CPU(all)(0);
  for (size_t i = 0; i < k; i += lanes) {
    vec v = i < whole ? FOR_CPU(load)(x + i) : FOR_CPU(load_some)(x + whole, rest, x[0]);
    least = FOR_CPU(select)(least > v, v, least);
    most = FOR_CPU(select)(most < v, v, most);
    unsound += v * 0.0f;
  }
  float minimum = least[0], maximum = most[0];
  for (int i = 1; i < lanes; i++) {
    minimum = least[i] < minimum ? least[i] : minimum;
    maximum = most[i] > maximum ? most[i] : maximum;
  }
  *low = minimum;
  *step = (maximum - minimum) / 127 + FOR_CPU(sum)(unsound);
  const float inverse = *step > 0 ? 1 / *step : 0;
  const vec round = FOR_CPU(all)(12582912.0f);  // 1.5·2²³: adding it rounds to an integer
  for (size_t i = 0; i < k; i += lanes) {
    vec v = i < whole ? FOR_CPU(load)(x + i) : FOR_CPU(load_some)(x + whole, rest, minimum);
    vec q = (v - minimum) * inverse;
    q = FOR_CPU(select)(q > 0.0f, q, FOR_CPU(all)(0));
    q = FOR_CPU(select)(q < 127.0f, q, FOR_CPU(all)(127));
    int_vec bits = (int_vec)(q + round) & 127;
    *(byte_vec *)(to + i) = __builtin_convertvector(bits, byte_vec);
  }
}

// A block of a product of integers.
struct FOR_CPU(integer_block) {
  const uint8_t *x;
  size_t depth, n;
  const float *steps, *lows;
  struct kernel_panels w;
  struct kernel_epilogue epilogue;
  size_t first_row, end_row;
  float *y;
  size_t y_stride;
};

INLINE void FOR_CPU(integer_tile)(const int rows, const int vectors,
                                  const struct FOR_CPU(integer_block) *b, const int8_t *panel,
                                  size_t column, size_t row) {
  int_vec sums[integer_rows][2];
  const uint8_t *x = b->x + (row - b->first_row) * b->depth;
  FOR_CPU(integer_sums)(rows, vectors, x, b->depth, panel, sums);
  float *y = b->y + row * b->y_stride + column;
  const size_t some = b->n - column < vectors * lanes ? b->n - column : vectors * lanes;
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; v++) {
    const size_t first = column + v * lanes;
    if (first >= b->n) continue;
    const size_t left = b->n - first;
    const vec scale = FOR_CPU(load_some)(b->w.scales + first, left, 0);
    const vec total = scale * FOR_CPU(load_some)(b->w.sums + first, left, 0);
    const vec bias = b->epilogue.bias ? FOR_CPU(load_some)(b->epilogue.bias + first, left, 0)
                                      : FOR_CPU(all)(0);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      const float step = b->steps[row + r - b->first_row], low = b->lows[row + r - b->first_row];
      vec sum = __builtin_convertvector(sums[r][v], vec) * step * scale + (total * low + bias);
      const size_t at = (row + r) * b->y_stride + first;
      if (b->epilogue.addend) sum += FOR_CPU(load_some)(b->epilogue.addend + at, left, 0);
      if (b->epilogue.activation == kernel_relu6)
        sum = FOR_CPU(at_most)(FOR_CPU(at_least)(sum, FOR_CPU(all)(0)), FOR_CPU(all)(6));
      FOR_CPU(store_some)(y + r * b->y_stride + v * lanes, sum, left);
    }
  }
  if (b->epilogue.activation == kernel_gelu_activation)
    FOR_CPU(gelu_tile)(rows, y, b->y_stride, some);
}

INLINE void FOR_CPU(integer_tiles)(const int vectors, const struct FOR_CPU(integer_block) *b,
                                   const int8_t *panel, size_t column) {
  size_t row = b->first_row;
  for (; row + integer_rows <= b->end_row; row += integer_rows)
    FOR_CPU(integer_tile)(integer_rows, vectors, b, panel, column, row);
#define REST(rows)                                                                                 \
  case rows:                                                                                       \
    if (rows < integer_rows) FOR_CPU(integer_tile)(rows, vectors, b, panel, column, row);          \
    break;
  switch (b->end_row - row) {
    REST(1) REST(2) REST(3) REST(4) REST(5) REST(6) REST(7) REST(8) REST(9) REST(10) REST(11)
  }
#undef REST
}

static TARGET void FOR_CPU(integer_panels)(const struct FOR_CPU(integer_block) *b, size_t vectors,
                                           const int8_t *panel, size_t column) {
  if (vectors == 2) FOR_CPU(integer_tiles)(2, b, panel, column);
#if lanes == 16
  if (vectors == 1) FOR_CPU(integer_tiles)(1, b, panel, column);
#endif
}

static TARGET void FOR_CPU(multiply_integers)(struct kernel_product p, struct kernel_panels w,
                                              struct kernel_epilogue epilogue, float *scratch) {
  const size_t depth = integer_depth(p.k), height = block_height(p.m, integer_height(p.k), integer_rows);
  float *steps = scratch, *lows = scratch + height;
  uint8_t *x = (uint8_t *)(scratch + 2 * height);
  struct FOR_CPU(integer_block) b = {.x = x, .depth = depth, .n = p.n, .steps = steps,
                                     .lows = lows, .w = w, .epilogue = epilogue, .y = p.y,
                                     .y_stride = p.y_stride};
  for (b.first_row = 0; b.first_row < p.m; b.first_row = b.end_row) {
    b.end_row = p.m - b.first_row <= height ? p.m : b.first_row + height;
    for (size_t i = 0; i < b.end_row - b.first_row; i++)
      FOR_CPU(quantize_row)
      (p.x + (b.first_row + i) * p.x_stride, p.k, x + i * depth, steps + i, lows + i);
    for (size_t column = p.first_column; column < p.end_column;) {
      const size_t vectors = lanes == 8 || column + 16 < p.end_column ? 2 : 1;
      FOR_CPU(integer_panels)(&b, vectors, (const int8_t *)w.numbers + column * depth, column);
      column += vectors * lanes;
    }
  }
}
