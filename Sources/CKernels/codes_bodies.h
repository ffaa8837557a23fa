// Scans of codes, included by kernel_bodies.h.

INLINE group_floats FOR_CPU(group_scores)(const struct kernel_codes *codes, size_t vector,
                                          group_integers sums,
                                          const struct kernel_code_query *query) {
  group_floats steps;
  memcpy(&steps, (const float *)codes->steps + vector, sizeof steps);
  return steps * query->step *
         __builtin_convertvector(2 * sums - query->centre, group_floats);
}

// Keeps the vectors of a group that the sums of the upper bits do not rule out, and prefetches their
// lower bits.
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
    const size_t half = codes->depth / 2;
    kernel_prefetch((const uint8_t *)codes->lower + (vector + i) * half, half);
    query->found[query->found_count] = (uint32_t)(vector + i);
    query->scores[query->found_count++] = score[i];
  }
}

// Keeps, of the vectors found so far, those that the lower bits do not rule out either.
INLINE void FOR_CPU(look_closer)(const struct kernel_codes *codes,
                                 struct kernel_code_query *query) {
  size_t kept = 0;
  for (size_t i = 0; i < query->found_count; i++) {
    const size_t vector = query->found[i];
    uint16_t half;
    float step, error;
    memcpy(&step, (const float *)codes->steps + vector, sizeof step);
    memcpy(&half, (const uint16_t *)codes->whole_errors + vector, sizeof half);
    const uint32_t bits = (uint32_t)half << 16;
    memcpy(&error, &bits, sizeof error);
    const int32_t sum = FOR_CPU(lower_sum)(
        (const uint8_t *)codes->lower + vector * codes->depth / 2, codes->depth, query->rounded);
    const float score = query->scores[i] + step * (query->step / 8) * (sum - 0.5f * query->centre);
    if (score + error * query->reach < query->limit) continue;
    query->found[kept] = (uint32_t)vector;
    query->scores[kept++] = score;
  }
  query->found_count = kept;
}

// The address that a scan prefetches while it reads the upper bits at `place`: it is bound by memory,
// and the processor's own prefetching stops at the end of a page.
INLINE const uint8_t *FOR_CPU(codes_ahead)(const struct kernel_codes *codes, size_t place) {
  const size_t groups = (codes->count + kernel_code_group - 1) / kernel_code_group;
  const size_t end = groups * codes->depth * kernel_code_group / 2, ahead = place + (8 << 10);
  if (ahead < end) return (const uint8_t *)codes->upper + ahead;
  return codes->next ? (const uint8_t *)codes->next + (ahead - end) : codes->upper;
}

// The sums of up to 4 groups: they fit in the registers and do not depend on each other.
INLINE void FOR_CPU(tile_sums)(const int groups, const struct kernel_codes *codes, size_t group,
                               const struct kernel_code_query *query, group_integers sums[4]) {
  const size_t at = group * (codes->depth * kernel_code_group / 2);
  FOR_CPU(code_sums)(groups, (const uint8_t *)codes->upper + at, FOR_CPU(codes_ahead)(codes, at),
                     codes->depth, query->rounded, sums);
}

// Groups first..<end, `groups` at a time.
INLINE void FOR_CPU(scan_tiles)(const int groups, const struct kernel_codes *codes, size_t first,
                                size_t end, struct kernel_code_query *query) {
  for (size_t group = first; group < end; group += groups) {
    group_integers sums[4];
    FOR_CPU(tile_sums)(groups, codes, group, query, sums);
#pragma clang loop unroll(full)
    for (int g = 0; g < groups; g++)
      FOR_CPU(find_codes)(codes, (group + g) * kernel_code_group, sums[g], query);
  }
}

static TARGET void FOR_CPU(scan_codes)(struct kernel_codes codes,
                                       struct kernel_code_query *query) {
  const size_t groups = (codes.count + kernel_code_group - 1) / kernel_code_group;
  query->found_count = 0;
  FOR_CPU(scan_tiles)(4, &codes, 0, groups / 4 * 4, query);
  FOR_CPU(scan_tiles)(1, &codes, groups / 4 * 4, groups, query);
  FOR_CPU(look_closer)(&codes, query);
}

static TARGET void FOR_CPU(unpack_codes)(struct kernel_codes codes, uint8_t *bits) {
  const size_t chunks = codes.depth / 8;
  for (size_t vector = 0; vector < codes.count; vector++, bits += codes.depth) {
    const uint8_t *upper = (const uint8_t *)codes.upper +
                           vector / kernel_code_group * codes.depth * kernel_code_group / 2 +
                           vector % kernel_code_group * 4;
    const uint8_t *lower = (const uint8_t *)codes.lower + vector * codes.depth / 2;
    for (size_t i = 0; i < chunks; i++) {
      uint32_t high, low;
      memcpy(&high, upper + i * 4 * kernel_code_group, 4);
      memcpy(&low, lower + 4 * i, 4);
      const uint32_t first = (high << 3 & 0x78787878u) | (low >> 1 & 0x07070707u);
      const uint32_t second = (high >> 1 & 0x78787878u) | (low >> 5 & 0x07070707u);
      memcpy(bits + 4 * i, &first, 4);
      memcpy(bits + codes.depth / 2 + 4 * i, &second, 4);
    }
  }
}

// Keeps what a tile of sums, `integer_rows` vectors by 2 · lanes queries, does not rule out.
INLINE void FOR_CPU(find_whole_codes)(const struct kernel_whole_codes *codes,
                                      size_t row, int_vec sums[integer_rows][2],
                                      const struct kernel_code_query_panels *queries, size_t first) {
#pragma clang loop unroll(full)
  for (int v = 0; v < 2; v++) {
    const size_t query = first + v * lanes;
    const vec step = 2 * FOR_CPU(load)(queries->panels.scales + query);
    const vec centre = 63.5f * step * FOR_CPU(load)(queries->panels.sums + query);
    const vec reach = FOR_CPU(load)(queries->reaches + query);
    const vec limit = FOR_CPU(load)(queries->limits + query);
#pragma clang loop unroll(full)
    for (int r = 0; r < integer_rows; r++) {
      const vec score = (__builtin_convertvector(sums[r][v], vec) * step - centre) * codes->steps[row + r];
      const int_vec passes = ~(score + codes->errors[row + r] * reach < limit);
      if (!FOR_CPU(any_lane)(passes) || row + r >= codes->count) continue;
      for (size_t i = 0; i < lanes; i++) {
        if (!passes[i]) continue;
        const size_t place = (query + i) * codes->count + queries->found_counts[query + i]++;
        queries->found[place] = (uint32_t)(row + r);
        queries->scores[place] = score[i];
      }
    }
  }
}

// All tiles are full: vectors and queries are padded.
_Static_assert(kernel_whole_multiple % integer_rows == 0 && kernel_code_queries % (2 * lanes) == 0,
               "codes are filled up to whole tiles");

static TARGET void FOR_CPU(scan_whole_codes)(struct kernel_whole_codes codes,
                                             struct kernel_code_query_panels queries) {
  for (size_t i = 0; i < kernel_code_queries; i++) queries.found_counts[i] = 0;
  for (size_t first = 0; first < kernel_code_queries; first += 2 * lanes)
    for (size_t row = 0; row < codes.count; row += integer_rows) {
      int_vec sums[integer_rows][2];
      FOR_CPU(integer_sums)
      (integer_rows, 2, codes.bits + row * codes.depth, codes.depth,
       (const int8_t *)queries.panels.numbers + first * codes.depth, sums);
      FOR_CPU(find_whole_codes)(&codes, row, sums, &queries, first);
    }
}

// Groups first..<end, `groups` at a time.
INLINE void FOR_CPU(score_tiles)(const int groups, const struct kernel_codes *codes, size_t first,
                                 size_t end, const struct kernel_code_query *query,
                                 const float *penalties, float *scores) {
  for (size_t group = first; group < end; group += groups) {
    group_integers sums[4];
    FOR_CPU(tile_sums)(groups, codes, group, query, sums);
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
  for (size_t i = 0; i < half; i += 16) {
    code_bytes high, low;
    uint32_t four[4];
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) memcpy(four + j, upper + (i / 4 + j) * 4 * kernel_code_group, 4);
    memcpy(&high, four, sizeof high);
    memcpy(&low, lower + i, sizeof low);
    const code_bytes whole[2] = {high << 4 | (low & 15), (high & 0xf0) | low >> 4};
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) {
      group_bytes bytes;
      group_floats numbers;
      memcpy(&bytes, (const uint8_t *)(whole + j / 2) + j % 2 * 8, sizeof bytes);
      memcpy(&numbers, query + j / 2 * half + i + j % 2 * 8, sizeof numbers);
      sums[j] += numbers * (__builtin_convertvector(bytes, group_floats) - 127.5f);
    }
  }
  const group_floats all = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  return ((all[0] + all[4]) + (all[2] + all[6])) + ((all[1] + all[5]) + (all[3] + all[7]));
}
