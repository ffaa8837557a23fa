// Attention of one head, included by kernel_bodies.h: the scores of a few queries for all keys stay
// in the second-level cache from their product through the softmax to the product with the values.

static TARGET void FOR_CPU(attend)(struct kernel_attention a, bool packs, float *scratch) {
  float *keys = scratch, *values = keys + kernel_packed_count(kernel_floats, a.keys, a.size);
  float *scores = values + kernel_packed_count(kernel_floats, a.size, a.keys);
  float *rest = scores + attention_rows * a.keys;
  if (packs) {
    pack_floats(a.k, a.k_stride, 1, a.keys, a.size, keys);
    pack_floats(a.v, 1, a.v_stride, a.size, a.keys, values);
  }
  const struct kernel_panels key_panels = {.format = kernel_floats, .numbers = keys};
  const struct kernel_panels value_panels = {.format = kernel_floats, .numbers = values};
  const struct kernel_epilogue nothing = {0};
  for (size_t first = 0; first < a.queries; first += attention_rows) {
    const size_t rows = a.queries - first < attention_rows ? a.queries - first : attention_rows;
    const struct kernel_product score = {
        .x = a.q + first * a.q_stride, .x_stride = a.q_stride, .m = rows, .k = a.size,
        .n = a.keys, .end_column = a.keys, .y = scores, .y_stride = a.keys};
    FOR_CPU(multiply_floats)(score, key_panels, nothing, rest);
    FOR_CPU(softmax)(scores, rows, a.keys, a.scale);
    const struct kernel_product mix = {
        .x = scores, .x_stride = a.keys, .m = rows, .k = a.keys, .n = a.size,
        .end_column = a.size, .y = a.context + first * a.context_stride,
        .y_stride = a.context_stride};
    FOR_CPU(multiply_floats)(mix, value_panels, nothing, rest);
  }
}
