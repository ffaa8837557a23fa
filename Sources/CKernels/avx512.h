// The kernels for AVX-512 with VNNI: 32 registers of 16 floats.
#define FOR_CPU(name) name##_avx512
#define TARGET                                                                                     \
  __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16")))
#define lanes 16
#define tile_rows 12
#define integer_rows 12
#define has_masks
#define has_pairs
#include "vectors.h"

static inline __attribute__((always_inline)) TARGET vec load_masked_avx512(const float *p,
                                                                           size_t count,
                                                                           vec others) {
  return (vec)_mm512_mask_loadu_ps((__m512)others, (__mmask16)((1u << count) - 1), p);
}

static inline __attribute__((always_inline)) TARGET void store_masked_avx512(float *p, vec v,
                                                                             size_t count) {
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << count) - 1), (__m512)v);
}

// a rounded to bfloat16 in the first half of the lanes, b in the second; consecutive numbers in pairs.
static inline __attribute__((always_inline)) TARGET vec rounded_pairs_avx512(vec a, vec b) {
  return (vec)_mm512_cvtne2ps_pbh((__m512)b, (__m512)a);
}

// Each lane of a and the same lane of b, rounded to a pair of bfloat16.
static inline __attribute__((always_inline)) TARGET vec interleaved_pairs_avx512(vec a, vec b) {
  const __m512i rounded = (__m512i)rounded_pairs_avx512(a, b);
  const __m512i early = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(rounded));
  const __m512i late = _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(rounded, 1));
  return (vec)_mm512_or_si512(early, _mm512_slli_epi32(late, 16));
}

// sum + x·w of both bfloat16 in a lane.
static inline __attribute__((always_inline)) TARGET vec add_pairs_avx512(vec sum, vec x, vec w) {
  return (vec)_mm512_dpbf16_ps((__m512)sum, (__m512bh)x, (__m512bh)w);
}

static inline __attribute__((always_inline)) TARGET void integer_sums_avx512(
    const int rows, const int vectors, const uint8_t *x, size_t depth, const int8_t *panel,
    int_vec sums[integer_rows][2]) {
  __m512i total[integer_rows][2];
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) total[r][0] = total[r][1] = _mm512_setzero_si512();
#pragma clang loop unroll_count(2)
  for (size_t i = 0; i < depth; i += 4) {
    __m512i w[2];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++)
      w[v] = _mm512_loadu_si512(panel + v * 16 * depth + 16 * i);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      int32_t four;
      memcpy(&four, x + r * depth + i, 4);
      const __m512i factor = _mm512_set1_epi32(four);
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++)
        total[r][v] = _mm512_dpbusd_epi32(total[r][v], factor, w[v]);
    }
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) sums[r][v] = (int_vec)total[r][v];
}

static inline __attribute__((always_inline)) TARGET void code_sums_avx512(
    const int groups, const uint8_t *upper, const uint8_t *ahead, size_t depth, const int8_t *query,
    group_integers sums[4]) {
  const __m256i low = _mm256_set1_epi8(15);
  const size_t group = depth * kernel_code_group / 2;
  __m256i total[4][2];
#pragma clang loop unroll(full)
  for (int g = 0; g < groups; g++) total[g][0] = total[g][1] = _mm256_setzero_si256();
#pragma clang loop unroll_count(4)
  for (size_t i = 0; i < depth / 2; i += 4) {
    int32_t four[2];
    memcpy(four, query + i, 4);
    memcpy(four + 1, query + depth / 2 + i, 4);
    kernel_prefetch(ahead + groups * 8 * i, groups * 32);
#pragma clang loop unroll(full)
    for (int g = 0; g < groups; g++) {
      const __m256i codes = _mm256_loadu_si256((const __m256i *)(upper + g * group + 8 * i));
      const __m256i first = _mm256_and_si256(codes, low);
      const __m256i second = _mm256_and_si256(_mm256_srli_epi16(codes, 4), low);
      total[g][0] = _mm256_dpbusd_epi32(total[g][0], first, _mm256_set1_epi32(four[0]));
      total[g][1] = _mm256_dpbusd_epi32(total[g][1], second, _mm256_set1_epi32(four[1]));
    }
  }
#pragma clang loop unroll(full)
  for (int g = 0; g < groups; g++)
    sums[g] = (group_integers)_mm256_add_epi32(total[g][0], total[g][1]);
}

static inline __attribute__((always_inline)) TARGET int32_t
lower_sum_avx512(const uint8_t *lower, size_t depth, const int8_t *query) {
  const __m128i low = _mm_set1_epi8(15);
  __m128i total[2] = {_mm_setzero_si128(), _mm_setzero_si128()};
  for (size_t i = 0; i < depth / 2; i += 16) {
    const __m128i codes = _mm_loadu_si128((const __m128i *)(lower + i));
    const __m128i first = _mm_and_si128(codes, low);
    const __m128i second = _mm_and_si128(_mm_srli_epi16(codes, 4), low);
    total[0] = _mm_dpbusd_epi32(total[0], first, _mm_loadu_si128((const __m128i *)(query + i)));
    total[1] = _mm_dpbusd_epi32(total[1], second,
                                _mm_loadu_si128((const __m128i *)(query + depth / 2 + i)));
  }
  __m128i sum = _mm_add_epi32(total[0], total[1]);
  sum = _mm_hadd_epi32(sum, sum);
  return _mm_cvtsi128_si32(_mm_hadd_epi32(sum, sum));
}

static inline __attribute__((always_inline)) TARGET bool any_avx512(group_integers mask) {
  return _mm256_movemask_ps((__m256)mask);
}

static inline __attribute__((always_inline)) TARGET bool any_lane_avx512(int_vec mask) {
  return _mm512_movepi32_mask((__m512i)mask);
}

#include "kernel_bodies.h"
