// Scans of codes, included by kernel_bodies.h.

INLINE group_floats FOR_CPU(group_scores)(const struct kernel_codes *codes, size_t vector,
                                          group_integers sums,
                                          const struct kernel_code_query *query) {
  group_floats steps;
  memcpy(&steps, (const float *)codes->steps + vector, sizeof steps);
  return steps * query->step *
         __builtin_convertvector(2 * sums - query->centre, group_floats);
}

// Keeps what the sums of a group do not rule out.
INLINE void FOR_CPU(find_codes)(const struct kernel_codes *codes, size_t vector,
                                group_integers sums, struct kernel_code_query *query) {
  group_halves halves;
  memcpy(&halves, (const uint16_t *)codes->errors + vector, sizeof halves);
  const group_floats errors = (group_floats)(__builtin_convertvector(halves, group_integers) << 16);
  const group_floats score = FOR_CPU(group_scores)(codes, vector, sums, query);
  const group_integers passes = ~(score + errors * query->reach < query->limit);
  if (!FOR_CPU(any)(passes)) return;
  for (size_t i = 0; i < kernel_code_group && vector + i < codes->count; i++) {
    if (!passes[i]) continue;
    query->found[query->found_count] = (uint32_t)(vector + i);
    query->scores[query->found_count++] = score[i];
  }
}

// A tile is 4 groups by one query, or a group by 4 queries: as many sums as registers are for, and
// none waits for the one before.
INLINE void FOR_CPU(scan_tiles)(const int groups, const int together,
                                const struct kernel_codes *codes, size_t first, size_t end,
                                struct kernel_code_query *queries) {
  const size_t bytes = codes->depth * kernel_code_group / 2;
  const int8_t *rounded[4];
  for (int q = 0; q < together; q++) rounded[q] = queries[q].rounded;
  for (size_t group = first; group < end; group += groups) {
    group_integers sums[4];
    const uint8_t *upper = (const uint8_t *)codes->upper + group * bytes;
    // One query waits for memory; the processor's own looking ahead ends with a page.
    if (together == 1)
      for (size_t ahead = 0; ahead < groups * bytes; ahead += 64)
        __builtin_prefetch(upper + 4096 + ahead);
    FOR_CPU(code_sums)(groups, together, upper, codes->depth, rounded, sums);
#pragma clang loop unroll(full)
    for (int g = 0; g < groups; g++)
#pragma clang loop unroll(full)
      for (int q = 0; q < together; q++)
        FOR_CPU(find_codes)
        (codes, (group + g) * kernel_code_group, sums[g * together + q], queries + q);
  }
}

static TARGET void FOR_CPU(scan_codes)(struct kernel_codes codes,
                                       struct kernel_code_query *queries, size_t count) {
  const size_t groups = (codes.count + kernel_code_group - 1) / kernel_code_group;
  for (size_t q = 0; q < count; q++) queries[q].found_count = 0;
  size_t q = 0;
  for (; q + 4 <= count; q += 4) FOR_CPU(scan_tiles)(1, 4, &codes, 0, groups, queries + q);
  for (; q < count; q++) {
    FOR_CPU(scan_tiles)(4, 1, &codes, 0, groups / 4 * 4, queries + q);
    FOR_CPU(scan_tiles)(1, 1, &codes, groups / 4 * 4, groups, queries + q);
  }
}

// Groups first..<end, `groups` at a time.
INLINE void FOR_CPU(score_tiles)(const int groups, const struct kernel_codes *codes, size_t first,
                                 size_t end, const struct kernel_code_query *query,
                                 const float *penalties, float *scores) {
  const size_t bytes = codes->depth * kernel_code_group / 2;
  for (size_t group = first; group < end; group += groups) {
    group_integers sums[4];
    FOR_CPU(code_sums)(groups, 1, (const uint8_t *)codes->upper + group * bytes, codes->depth,
                       &query->rounded, sums);
#pragma clang loop unroll(full)
    for (int g = 0; g < groups; g++) {
      const size_t vector = (group + g) * kernel_code_group;
      group_floats penalty, score = FOR_CPU(group_scores)(codes, vector, sums[g], query);
      memcpy(&penalty, penalties + vector, sizeof penalty);
      score -= penalty;
      memcpy(scores + vector, &score, sizeof score);
    }
  }
}

static TARGET void FOR_CPU(score_codes)(struct kernel_codes codes, struct kernel_code_query query,
                                        const float *penalties, float *scores) {
  const size_t groups = (codes.count + kernel_code_group - 1) / kernel_code_group;
  FOR_CPU(score_tiles)(4, &codes, 0, groups / 4 * 4, &query, penalties, scores);
  FOR_CPU(score_tiles)(1, &codes, groups / 4 * 4, groups, &query, penalties, scores);
}

static TARGET float FOR_CPU(code_score)(struct kernel_codes codes, size_t vector,
                                        const float *query) {
  const size_t half = codes.depth / 2;
  const uint8_t *upper = (const uint8_t *)codes.upper +
                         vector / kernel_code_group * half * kernel_code_group +
                         vector % kernel_code_group * 4;
  const uint8_t *lower = (const uint8_t *)codes.lower + vector * half;
  group_floats sums[4] = {0};
  for (size_t i = 0; i < codes.depth; i += kernel_code_depth) {
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) {
      uint32_t high, low;
      memcpy(&high, upper + (i / 8 + j) * 4 * kernel_code_group, 4);
      memcpy(&low, lower + i / 2 + 4 * j, 4);
      const uint64_t whole = ((high << 4 & 0xf0f0f0f0u) | (low & 0x0f0f0f0fu)) |
                             (uint64_t)((high & 0xf0f0f0f0u) | (low >> 4 & 0x0f0f0f0fu)) << 32;
      group_bytes bytes;
      memcpy(&bytes, &whole, sizeof bytes);
      group_floats numbers;
      memcpy(&numbers, query + i + 8 * j, sizeof numbers);
      sums[j] += numbers * (__builtin_convertvector(bytes, group_floats) - 127.5f);
    }
  }
  const group_floats all = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  return ((all[0] + all[4]) + (all[2] + all[6])) + ((all[1] + all[5]) + (all[3] + all[7]));
}
