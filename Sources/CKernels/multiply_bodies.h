// Products of floats by panels, included by kernel_bodies.h. What a weight is kept in matters only
// when a slice of a panel is widened to floats; then it passes all rows of a block.

// Where a block of a product lies: rows first_row..<end_row, and the part of the depth that is summed
// up.
struct FOR_CPU(block) {
  const float *x;
  size_t x_stride;
  size_t k, n;
  size_t first_row, end_row;
  size_t first_depth, end_depth;
  const float *scales;
  struct kernel_epilogue epilogue;
  float *y;
  size_t y_stride;
  // The block of x in panels of 6 rows, or null.
  const float *packed_x;
};

INLINE vec FOR_CPU(finish)(const struct FOR_CPU(block) *b, vec sum, size_t column, size_t at,
                           size_t some) {
  if (b->scales) sum *= FOR_CPU(load_some)(b->scales + column, some, 0);
  if (b->epilogue.bias) sum += FOR_CPU(load_some)(b->epilogue.bias + column, some, 0);
  if (b->epilogue.addend) sum += FOR_CPU(load_some)(b->epilogue.addend + at, some, 0);
  if (b->epilogue.activation == kernel_relu6)
    sum = FOR_CPU(at_most)(FOR_CPU(at_least)(sum, FOR_CPU(all)(0)), FOR_CPU(all)(6));
  return sum;
}

// `rows` rows of x against a slice of a panel of `vectors`·8 columns; all sums stay in registers.
// Sums of an unfinished depth wait in y.
INLINE void FOR_CPU(tile)(const int rows, const int vectors, const bool packed,
                          const struct FOR_CPU(block) *b, const float *w, size_t column,
                          size_t row) {
  vec sums[8][2];
  const size_t n = b->n, depth = b->end_depth - b->first_depth;
  float *y = b->y + row * b->y_stride + column;
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      __builtin_prefetch(y + r * b->y_stride + v * lanes, 1, 3);
      sums[r][v] = FOR_CPU(all)(0);
    }
  const float *x = packed ? b->packed_x + (row - b->first_row) * depth
                          : b->x + row * b->x_stride + b->first_depth;
  const size_t along = packed ? rows : 1, across = packed ? 1 : b->x_stride;
#pragma clang loop unroll_count(4)
  for (size_t i = 0; i < depth; i++) {
    vec factors[2];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) factors[v] = FOR_CPU(load)(w + (i * vectors + v) * lanes);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      vec factor = FOR_CPU(all)(x[i * along + r * across]);
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++) sums[r][v] += factor * factors[v];
    }
  }
  bool last = b->end_depth == b->k;
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      size_t first = column + v * lanes;
      if (first >= n) continue;
      float *to = y + r * b->y_stride + v * lanes;
      vec sum = sums[r][v];
      if (b->first_depth) sum += FOR_CPU(load_some)(to, n - first, 0);
      if (last)
        sum = FOR_CPU(finish)(b, sum, first, (row + r) * b->y_stride + first, n - first);
      FOR_CPU(store_some)(to, sum, n - first);
    }
  if (last && b->epilogue.activation == kernel_gelu_activation) {
    size_t width = n - column < (size_t)vectors * lanes ? n - column : (size_t)vectors * lanes;
    FOR_CPU(gelu_tile)(rows, y, b->y_stride, width);
  }
}

// A slice of a panel against the rows of a block, `height` at a time: 6×16 sums fill the registers.
#define PANEL(name, vectors, packed, height, remainders)                                          \
  static TARGET void FOR_CPU(name)(const struct FOR_CPU(block) *b, const float *w,                \
                                   size_t column) {                                               \
    size_t row = b->first_row;                                                                    \
    for (; row + height <= b->end_row; row += height)                                             \
      FOR_CPU(tile)(height, vectors, packed, b, w, column, row);                                  \
    switch (b->end_row - row) { remainders(vectors, packed) }                                     \
  }
#define REMAINDER(rows, vectors, packed)                                                          \
  case rows:                                                                                      \
    FOR_CPU(tile)(rows, vectors, packed, b, w, column, row);                                      \
    break;
#define REMAINDERS_6(v, p)                                                                        \
  REMAINDER(1, v, p) REMAINDER(2, v, p) REMAINDER(3, v, p) REMAINDER(4, v, p) REMAINDER(5, v, p)
#define REMAINDERS_8(v, p) REMAINDERS_6(v, p) REMAINDER(6, v, p) REMAINDER(7, v, p)

PANEL(panel_8, 1, false, 8, REMAINDERS_8)
PANEL(panel_16, 2, false, 6, REMAINDERS_6)
PANEL(panel_8_packed, 1, true, 6, REMAINDERS_6)
PANEL(panel_16_packed, 2, true, 6, REMAINDERS_6)

#undef PANEL
#undef REMAINDER
#undef REMAINDERS_6
#undef REMAINDERS_8

// The block of x, 6 rows at a time, number by number of the depth.
static TARGET void FOR_CPU(pack_rows)(const struct FOR_CPU(block) *b, float *to) {
  const size_t depth = b->end_depth - b->first_depth;
  for (size_t row = b->first_row; row < b->end_row; row += 6) {
    const size_t rows = b->end_row - row < 6 ? b->end_row - row : 6;
    const float *from = b->x + row * b->x_stride + b->first_depth;
    if (rows == 6)
      for (size_t i = 0; i < depth; i++)
        for (size_t r = 0; r < 6; r++) to[i * 6 + r] = from[r * b->x_stride + i];
    else
      for (size_t i = 0; i < depth; i++)
        for (size_t r = 0; r < rows; r++) to[i * rows + r] = from[r * b->x_stride + i];
    to += rows * depth;
  }
}

// `count` numbers, a multiple of 8, from the place `at` of the panels on.
static TARGET void FOR_CPU(widen)(struct kernel_panels w, size_t at, size_t count, float *to) {
  if (w.format == kernel_bytes) {
    const int8_t *from = (const int8_t *)w.numbers + at;
    for (size_t i = 0; i < count; i += lanes)
      FOR_CPU(store)(to + i, __builtin_convertvector(*(const byte_vec *)(from + i), vec));
  } else {
    const uint16_t *from = (const uint16_t *)w.numbers + at;
    for (size_t i = 0; i < count; i += lanes) {
      int_vec bits = __builtin_convertvector(*(const short_vec *)(from + i), int_vec) << 16;
      FOR_CPU(store)(to + i, (vec)bits);
    }
  }
}

static TARGET void FOR_CPU(multiply_floats)(struct kernel_product p, struct kernel_panels w,
                                            struct kernel_epilogue epilogue, float *scratch) {
  // A slice of a panel stays in the first-level cache while the rows of a block pass, and the block
  // in the second-level cache while the panels pass.
  const size_t depth = multiply_deepest(p.k);
  const size_t height = block_height(p.m, multiply_block / depth, 6);
  // Reordering x pays where many panels read it.
  const bool packs = p.end_column - p.first_column >= 128 && p.m > 1;
  float *slice = scratch, *packed = scratch + 16 * depth;
  struct FOR_CPU(block) b = {.x = p.x, .x_stride = p.x_stride, .k = p.k, .n = p.n,
                             .scales = w.scales, .epilogue = epilogue, .y = p.y,
                             .y_stride = p.y_stride, .packed_x = packed};
  for (b.first_row = 0; b.first_row < p.m; b.first_row = b.end_row) {
    b.end_row = p.m - b.first_row <= height ? p.m : b.first_row + height;
    for (b.first_depth = 0; b.first_depth < p.k; b.first_depth = b.end_depth) {
      b.end_depth = p.k - b.first_depth <= depth ? p.k : b.first_depth + depth;
      if (packs) FOR_CPU(pack_rows)(&b, packed);
      for (size_t column = p.first_column; column < p.end_column;) {
        const size_t width = panel_width(p.n - column), at = column * p.k + b.first_depth * width;
        const float *floats = slice;
        if (w.format == kernel_floats)
          floats = (const float *)w.numbers + at;
        else
          FOR_CPU(widen)(w, at, (b.end_depth - b.first_depth) * width, slice);
        if (packs)
          (width == 16 ? FOR_CPU(panel_16_packed) : FOR_CPU(panel_8_packed))(&b, floats, column);
        else
          (width == 16 ? FOR_CPU(panel_16) : FOR_CPU(panel_8))(&b, floats, column);
        column += width;
      }
    }
  }
}
