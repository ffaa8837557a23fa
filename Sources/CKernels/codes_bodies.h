// Scans of codes, included by kernel_bodies.h.

// Scores of a group by the upper planes.
INLINE vec FOR_CPU(group_scores)(struct kernel_codes codes, size_t vector,
                                 struct kernel_code_query query) {
  const uint8_t *upper = (const uint8_t *)codes.upper + vector * codes.depth / 2;
  const int_vec sums = FOR_CPU(code_sums)(upper, codes.depth, query.rounded);
  vec steps;
  memcpy(&steps, (const float *)codes.steps + vector, sizeof steps);
  return steps * query.step * __builtin_convertvector(2 * sums - query.centre, vec);
}

static TARGET void FOR_CPU(score_codes)(struct kernel_codes codes, struct kernel_code_query query,
                                        const float *penalties, float *scores) {
  for (size_t vector = 0; vector < codes.count; vector += kernel_code_group)
    FOR_CPU(store)(scores + vector, FOR_CPU(group_scores)(codes, vector, query) -
                                        FOR_CPU(load)(penalties + vector));
}

static TARGET size_t FOR_CPU(scan_codes)(struct kernel_codes codes, size_t first, size_t end,
                                         struct kernel_code_query query, float limit,
                                         uint32_t *found, float *scores) {
  size_t count = 0;
  for (size_t vector = first; vector < end; vector += kernel_code_group) {
    short_vec halves;
    memcpy(&halves, (const uint16_t *)codes.errors + vector, sizeof halves);
    const vec errors = (vec)(__builtin_convertvector(halves, int_vec) << 16);
    const vec score = FOR_CPU(group_scores)(codes, vector, query);
    const int_vec passes = ~(score + errors * query.reach < limit);
    if (!FOR_CPU(any)(passes)) continue;
    for (size_t i = 0; i < kernel_code_group && vector + i < end; i++) {
      if (!passes[i]) continue;
      found[count] = (uint32_t)(vector + i);
      scores[count++] = score[i];
    }
  }
  return count;
}

static TARGET float FOR_CPU(code_score)(struct kernel_codes codes, size_t vector,
                                        const float *query) {
  const size_t half = codes.depth / 2;
  const uint8_t *upper = (const uint8_t *)codes.upper +
                         vector / kernel_code_group * half * kernel_code_group +
                         vector % kernel_code_group * 4;
  const uint8_t *lower = (const uint8_t *)codes.lower + vector * half;
  vec sums[4] = {0};
  for (size_t i = 0; i < codes.depth; i += kernel_code_depth) {
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) {
      uint32_t high, low;
      memcpy(&high, upper + (i / 8 + j) * 4 * kernel_code_group, 4);
      memcpy(&low, lower + i / 2 + 4 * j, 4);
      const uint64_t whole = ((high << 4 & 0xf0f0f0f0u) | (low & 0x0f0f0f0fu)) |
                             (uint64_t)((high & 0xf0f0f0f0u) | (low >> 4 & 0x0f0f0f0fu)) << 32;
      uint8_t bytes[8];
      memcpy(bytes, &whole, 8);
      const vec code = __builtin_convertvector(*(const unsigned_byte_vec *)bytes, vec);
      sums[j] += FOR_CPU(load)(query + i + 8 * j) * (code - 127.5f);
    }
  }
  return FOR_CPU(sum)((sums[0] + sums[1]) + (sums[2] + sums[3]));
}
