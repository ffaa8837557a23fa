// Products of floats with panels, included by kernel_bodies.h. The format of a weight matters only
// when a slice of a panel is widened to floats; the slice is then used for all rows of a block.

// A block of a product: rows first_row..<end_row, and the part of the depth that is summed.
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
  // The distance between two slices of panels of 16 columns.
  size_t panel_stride;
  // The block of x in panels of tile_rows rows, or in pairs row by row.
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

// How a tile reads the weights and x.
enum FOR_CPU(form) {
  FOR_CPU(plain),
  // x is in panels of rows.
  FOR_CPU(packed),
  // Pairs of bfloat16, consecutive in the depth, in place of floats; rows of x are pairs_stride apart.
  FOR_CPU(pairs),
};

// Vector number `vector` of row i of a slice of panels of `width` columns.
INLINE vec FOR_CPU(factors)(const struct FOR_CPU(block) *b, const float *w, const int width,
                            const int vector, size_t i) {
  const int column = vector * lanes;
  w += column / 16 * b->panel_stride + i * width + column % 16;
#if lanes == 16
  if (width == 8) {
    group_floats half;
    memcpy(&half, w, sizeof half);
    return __builtin_shufflevector(half, (group_floats){0}, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
                                   12, 13, 14, 15);
  }
#endif
  return FOR_CPU(load)(w);
}

// `rows` rows of x times a slice of `vectors` vectors of columns; all sums stay in registers. Partial
// sums, of a part of the depth, are kept in y.
INLINE void FOR_CPU(tile)(const int rows, const int vectors, const int width,
                          const enum FOR_CPU(form) form, const struct FOR_CPU(block) *b,
                          const float *w, size_t column, size_t row) {
  vec sums[tile_rows][2];
  const size_t n = b->n;
  const size_t parts = b->end_depth - b->first_depth;
  const size_t depth = form == FOR_CPU(pairs) ? (parts + 1) / 2 : parts;
  float *y = b->y + row * b->y_stride + column;
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      __builtin_prefetch(y + r * b->y_stride + v * lanes, 1, 3);
      sums[r][v] = FOR_CPU(all)(0);
    }
  const float *x = form == FOR_CPU(plain)
                       ? b->x + row * b->x_stride + b->first_depth
                       : b->packed_x + (row - b->first_row) *
                                           (form == FOR_CPU(packed) ? depth : pairs_stride);
  const size_t along = form == FOR_CPU(packed) ? rows : 1;
  const size_t across = form == FOR_CPU(plain)    ? b->x_stride
                        : form == FOR_CPU(packed) ? 1
                                                  : pairs_stride;
#pragma clang loop unroll_count(4)
  for (size_t i = 0; i < depth; i++) {
    vec factors[2];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) factors[v] = FOR_CPU(factors)(b, w, width, v, i);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      vec factor = FOR_CPU(all)(x[i * along + r * across]);
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++) {
#ifdef has_pairs
        if (form == FOR_CPU(pairs)) {
          sums[r][v] = FOR_CPU(add_pairs)(sums[r][v], factor, factors[v]);
          continue;
        }
#endif
        sums[r][v] += factor * factors[v];
      }
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
    size_t columns = n - column < (size_t)vectors * lanes ? n - column : (size_t)vectors * lanes;
    FOR_CPU(gelu_tile)(rows, y, b->y_stride, columns);
  }
}

// The rows of a block times slices of panels, in tiles of as many rows as there are registers for.
INLINE void FOR_CPU(tiles)(const int vectors, const int width, const enum FOR_CPU(form) form,
                           const struct FOR_CPU(block) *b, const float *w, size_t column) {
  size_t row = b->first_row;
  for (; row + tile_rows <= b->end_row; row += tile_rows)
    FOR_CPU(tile)(tile_rows, vectors, width, form, b, w, column, row);
#define REST(rows)                                                                                 \
  case rows:                                                                                       \
    if (rows < tile_rows) FOR_CPU(tile)(rows, vectors, width, form, b, w, column, row);            \
    break;
  switch (b->end_row - row) {
    REST(1) REST(2) REST(3) REST(4) REST(5) REST(6) REST(7) REST(8) REST(9) REST(10) REST(11)
  }
#undef REST
}

static TARGET void FOR_CPU(panels)(const struct FOR_CPU(block) *b, enum FOR_CPU(form) form,
                                   size_t vectors, size_t width, const float *w, size_t column) {
#define CASE(v, wide, f)                                                                           \
  if (vectors == v && width == wide && form == FOR_CPU(f))                                         \
    return FOR_CPU(tiles)(v, wide, FOR_CPU(f), b, w, column);
#define CASES(f) CASE(2, 16, f) CASE(1, 8, f)
  CASES(plain)
  CASES(packed)
#if lanes == 16
  CASE(1, 16, plain)
  CASE(1, 16, packed)
#endif
#ifdef has_pairs
  CASES(pairs)
  CASE(1, 16, pairs)
#endif
#undef CASES
#undef CASE
}

// Packs the block of x into panels of tile_rows rows, number after number of the depth.
static TARGET void FOR_CPU(pack_rows)(const struct FOR_CPU(block) *b, float *to) {
  const size_t depth = b->end_depth - b->first_depth;
  for (size_t row = b->first_row; row < b->end_row; row += tile_rows) {
    const size_t rows = b->end_row - row < tile_rows ? b->end_row - row : tile_rows;
    const float *from = b->x + row * b->x_stride + b->first_depth;
    if (rows == tile_rows)
      for (size_t i = 0; i < depth; i++)
        for (size_t r = 0; r < tile_rows; r++) to[i * tile_rows + r] = from[r * b->x_stride + i];
    else
      for (size_t i = 0; i < depth; i++)
        for (size_t r = 0; r < rows; r++) to[i * rows + r] = from[r * b->x_stride + i];
    to += rows * depth;
  }
}

#ifdef has_pairs
// The first `count` floats from memory as pairs of bfloat16 (two vectors if count is larger), the
// others zero.
INLINE vec FOR_CPU(load_pairs)(const float *p, size_t count) {
  return FOR_CPU(rounded_pairs)(
      FOR_CPU(load_some)(p, count, 0),
      count > lanes ? FOR_CPU(load_some)(p + lanes, count - lanes, 0) : FOR_CPU(all)(0));
}

// Rounds the block of x to pairs of bfloat16, row by row; an odd depth is padded with a zero. The
// product broadcasts each pair to all lanes.
static TARGET void FOR_CPU(round_rows)(const struct FOR_CPU(block) *b, float *to) {
  const size_t depth = b->end_depth - b->first_depth;
  for (size_t row = b->first_row; row < b->end_row; row++, to += pairs_stride) {
    const float *from = b->x + row * b->x_stride + b->first_depth;
    for (size_t i = 0; i < depth; i += 2 * lanes)
      FOR_CPU(store)(to + i / 2, FOR_CPU(load_pairs)(from + i, depth - i));
  }
}
#endif

// Widens rows first..<end of the panel that starts at a column; the weights have the depth k.
static TARGET void FOR_CPU(widen)(struct kernel_panels w, size_t column, size_t k, size_t first,
                                  size_t end, size_t width, float *to) {
  if (w.format == kernel_bytes) {
    const int8_t *from = (const int8_t *)w.numbers + column * k + first * width;
    for (size_t i = 0; i < (end - first) * width; i += 8) {
      group_signed_bytes bytes;
      memcpy(&bytes, from + i, sizeof bytes);
      const group_floats floats = __builtin_convertvector(bytes, group_floats);
      memcpy(to + i, &floats, sizeof floats);
    }
    return;
  }
  // A row of pairs becomes two rows; if the depth is odd, the last one is not read.
  const uint16_t *from = (const uint16_t *)w.numbers + column * pair_depth(k) + first * width;
  for (size_t i = first; i < end; i += 2, from += 2 * width, to += 2 * width)
    for (size_t j = 0; j < width; j += 8) {
      group_integers pairs;
      memcpy(&pairs, from + 2 * j, sizeof pairs);
      const group_integers early = pairs << 16, late = pairs & (int32_t)0xffff0000;
      memcpy(to + j, &early, sizeof early);
      memcpy(to + width + j, &late, sizeof late);
    }
}

static TARGET void FOR_CPU(multiply_floats)(struct kernel_product p, struct kernel_panels w,
                                            struct kernel_epilogue epilogue, float *scratch) {
  // A slice of panels stays in the first-level cache while it is multiplied by the rows of a block,
  // and the block in the second-level cache while it is multiplied by all panels.
  const size_t depth = multiply_deepest(p.k);
  // Packing x is worth it if many panels read it.
  enum FOR_CPU(form) form =
      p.end_column - p.first_column >= 128 && p.m > 1 ? FOR_CPU(packed) : FOR_CPU(plain);
#ifdef has_pairs
  if (w.format == kernel_bfloat16) form = FOR_CPU(pairs);
#endif
  const size_t row_floats = form == FOR_CPU(pairs) ? (size_t)pairs_stride : depth;
  const size_t height = block_height(p.m, multiply_block / row_floats, tile_rows);
  const bool widens = form != FOR_CPU(pairs) && w.format != kernel_floats;
  // The length of a column in the panels, in floats; a pair of bfloat16 is as large as one.
  const size_t column_floats = form == FOR_CPU(pairs) ? pair_depth(p.k) / 2 : p.k;
  float *slice = scratch, *packed = scratch + multiply_slice(depth);
  struct FOR_CPU(block) b = {.x = p.x, .x_stride = p.x_stride, .k = p.k, .n = p.n,
                             .scales = w.scales, .epilogue = epilogue, .y = p.y,
                             .y_stride = p.y_stride, .packed_x = packed,
                             .panel_stride = 16 * (widens ? depth + 1 : column_floats)};
  for (b.first_row = 0; b.first_row < p.m; b.first_row = b.end_row) {
    b.end_row = p.m - b.first_row <= height ? p.m : b.first_row + height;
    for (b.first_depth = 0; b.first_depth < p.k; b.first_depth = b.end_depth) {
      b.end_depth = p.k - b.first_depth <= depth ? p.k : b.first_depth + depth;
      if (form == FOR_CPU(packed)) FOR_CPU(pack_rows)(&b, packed);
#ifdef has_pairs
      if (form == FOR_CPU(pairs)) FOR_CPU(round_rows)(&b, packed);
#endif
      for (size_t column = p.first_column; column < p.end_column;) {
        const size_t width = panel_width(p.n - column);
        // Two vectors of columns from full panels, or a single panel.
        const bool two = width == 16 && (lanes == 8 || (column + 16 < p.end_column &&
                                                        panel_width(p.n - column - 16) == 16));
        const size_t columns = two ? 2 * lanes : width;
        const float *floats = slice;
        if (widens)
          for (size_t panel = 0; panel < columns; panel += 16)
            FOR_CPU(widen)(w, column + panel, p.k, b.first_depth, b.end_depth, width,
                           slice + panel / 16 * b.panel_stride);
        else
          floats = (const float *)w.numbers + column * column_floats +
                   (form == FOR_CPU(pairs) ? b.first_depth / 2 : b.first_depth) * width;
        FOR_CPU(panels)(&b, form, two ? 2 : 1, width, floats, column);
        column += columns;
      }
    }
  }
}
