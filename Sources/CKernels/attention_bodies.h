// Attention of one head, included by kernel_bodies.h. The scores of a few queries and all keys stay
// in the second-level cache through the softmax and the product with the values.

#ifdef has_pairs
// Packs keys into panels of pairs of bfloat16: a key is a column, its numbers are the depth.
static TARGET void FOR_CPU(pack_key_pairs)(const float *k, size_t stride, size_t keys, size_t size,
                                           float *to) {
  const size_t pairs = pair_depth(size) / 2;
  for (size_t first = 0; first < keys; first += 16) {
    const size_t width = panel_width(keys - first);
    for (size_t j = 0; j < width; j++) {
      const size_t some = first + j < keys ? size : 0;
      const float *from = k + (some ? first + j : first) * stride;
      for (size_t i = 0; i < size; i += 2 * lanes) {
        float part[lanes];
        FOR_CPU(store)(part, FOR_CPU(load_pairs)(from + i, some > i ? some - i : 0));
        const size_t count = pairs - i / 2 < lanes ? pairs - i / 2 : lanes;
        // Not vectorised: the compiler's scatter takes several times as long.
#pragma clang loop vectorize(disable) unroll_count(4)
        for (size_t l = 0; l < count; l++) to[(i / 2 + l) * width + j] = part[l];
      }
    }
    to += width * pairs;
  }
}

// Packs values: each of their numbers is a column, the keys are the depth.
static TARGET void FOR_CPU(pack_value_pairs)(const float *v, size_t stride, size_t keys,
                                             size_t size, float *to) {
  for (size_t first = 0; first < size; first += 16) {
    const size_t width = panel_width(size - first);
    for (size_t i = 0; i < keys; i += 2, to += width) {
      const float *from = v + i * stride + first;
      const vec early = FOR_CPU(load_some)(from, size - first, 0);
      const vec late = i + 1 < keys ? FOR_CPU(load_some)(from + stride, size - first, 0)
                                    : FOR_CPU(all)(0);
      FOR_CPU(store_some)(to, FOR_CPU(interleaved_pairs)(early, late), width);
    }
  }
}
#endif

// The values follow the keys.
static TARGET float *FOR_CPU(packed_values)(struct kernel_attention a, bool rounds, float *packed) {
  const enum kernel_format format = rounds ? kernel_bfloat16 : kernel_floats;
  return packed + kernel_packed_count(format, a.keys, a.size) / (rounds ? 2 : 1);
}

static TARGET void FOR_CPU(pack_attention)(struct kernel_attention a, bool rounds, float *packed) {
  float *values = FOR_CPU(packed_values)(a, rounds, packed);
#ifdef has_pairs
  if (rounds) {
    FOR_CPU(pack_key_pairs)(a.k, a.k_stride, a.keys, a.size, packed);
    FOR_CPU(pack_value_pairs)(a.v, a.v_stride, a.keys, a.size, values);
    return;
  }
#endif
  kernel_pack_floats(a.k, a.k_stride, 1, a.keys, a.size, packed);
  kernel_pack_floats(a.v, 1, a.v_stride, a.size, a.keys, values);
}

static TARGET void FOR_CPU(attend)(struct kernel_attention a, bool rounds, const float *packed,
                                   float *scratch) {
  float *scores = scratch, *rest = scores + kernel_attention_rows * a.keys;
  const enum kernel_format format = rounds ? kernel_bfloat16 : kernel_floats;
  const struct kernel_panels key_panels = {.format = format, .numbers = (float *)packed};
  const struct kernel_panels value_panels = {
      .format = format, .numbers = FOR_CPU(packed_values)(a, rounds, (float *)packed)};
  const struct kernel_epilogue nothing = {0};
  for (size_t first = 0; first < a.queries; first += kernel_attention_rows) {
    const size_t rows = a.queries - first < kernel_attention_rows ? a.queries - first : kernel_attention_rows;
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
