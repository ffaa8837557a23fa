// The kernels for AVX2 with FMA: 16 registers of 8 floats.
#define FOR_CPU(name) name##_avx2
#define TARGET __attribute__((target("avx2,fma")))
#define lanes 8
#define tile_rows 6
#define integer_rows 4
#include "vectors.h"

// Sums of four products fit in 16 bits: 127 · 63 · 4 = 32,004.
static inline __attribute__((always_inline)) TARGET void integer_sums_avx2(
    const int rows, const int vectors, const uint8_t *x, size_t depth, const int8_t *panel,
    int_vec sums[integer_rows][2]) {
  __m256i one = _mm256_set1_epi16(1);
  __m256i total[4][2];
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) total[r][0] = total[r][1] = _mm256_setzero_si256();
  for (size_t i = 0; i < depth; i += 8) {
    // The sums, the ones and three of the four vectors of weights fill the registers, so the fourth
    // is read from memory; otherwise the compiler would spill a sum, which costs the most.
    __asm__("" : "+x"(one));
    const __m256i *w = (const __m256i *)(panel + 16 * i);
    const __m256i w0 = _mm256_loadu_si256(w), w1 = _mm256_loadu_si256(w + 1);
    const __m256i w2 = _mm256_loadu_si256(w + 2);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      int32_t four[2];
      memcpy(four, x + r * depth + i, 8);
      const __m256i x0 = _mm256_set1_epi32(four[0]), x1 = _mm256_set1_epi32(four[1]);
      __m256i last;
      __asm__("vpmaddubsw %2, %1, %0" : "=x"(last) : "x"(x1), "m"(w[3]));
      const __m256i right = _mm256_add_epi16(_mm256_maddubs_epi16(x0, w1), last);
      const __m256i left = _mm256_add_epi16(_mm256_maddubs_epi16(x0, w0),
                                            _mm256_maddubs_epi16(x1, w2));
      total[r][1] = _mm256_add_epi32(total[r][1], _mm256_madd_epi16(right, one));
      total[r][0] = _mm256_add_epi32(total[r][0], _mm256_madd_epi16(left, one));
    }
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
    for (int v = 0; v < 2; v++) sums[r][v] = (int_vec)total[r][v];
}

// Sums of sixteen products fit in 16 bits: 15 · 127 · 2 · 8 = 30,480.
static inline __attribute__((always_inline)) TARGET void code_sums_avx2(
    const int groups, const uint8_t *upper, const uint8_t *ahead, size_t depth, const int8_t *query,
    group_integers sums[4]) {
  const __m256i low = _mm256_set1_epi8(15), one = _mm256_set1_epi16(1);
  const size_t group = depth * kernel_code_group / 2;
  __m256i total[4];
#pragma clang loop unroll(full)
  for (int g = 0; g < groups; g++) total[g] = _mm256_setzero_si256();
  for (size_t i = 0; i < depth; i += kernel_code_depth) {
    __m256i part[4];
#pragma clang loop unroll(full)
    for (int g = 0; g < groups; g++) part[g] = _mm256_setzero_si256();
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) {
      int32_t four[2];
      memcpy(four, query + i / 2 + 4 * j, 4);
      memcpy(four + 1, query + depth / 2 + i / 2 + 4 * j, 4);
      kernel_prefetch(ahead + groups * (4 * i + 32 * j), groups * 32);
#pragma clang loop unroll(full)
      for (int g = 0; g < groups; g++) {
        const __m256i codes =
            _mm256_loadu_si256((const __m256i *)(upper + g * group + 4 * i + 32 * j));
        const __m256i first = _mm256_and_si256(codes, low);
        const __m256i second = _mm256_and_si256(_mm256_srli_epi16(codes, 4), low);
        const __m256i pairs =
            _mm256_add_epi16(_mm256_maddubs_epi16(first, _mm256_set1_epi32(four[0])),
                             _mm256_maddubs_epi16(second, _mm256_set1_epi32(four[1])));
        part[g] = _mm256_add_epi16(part[g], pairs);
      }
    }
#pragma clang loop unroll(full)
    for (int g = 0; g < groups; g++)
      total[g] = _mm256_add_epi32(total[g], _mm256_madd_epi16(part[g], one));
  }
#pragma clang loop unroll(full)
  for (int g = 0; g < groups; g++) sums[g] = (group_integers)total[g];
}

static inline __attribute__((always_inline)) TARGET int32_t lower_sum_avx2(const uint8_t *lower,
                                                                           size_t depth,
                                                                           const int8_t *query) {
  const __m128i low = _mm_set1_epi8(15), one = _mm_set1_epi16(1);
  __m128i total = _mm_setzero_si128();
  for (size_t i = 0; i < depth / 2; i += 16) {
    const __m128i codes = _mm_loadu_si128((const __m128i *)(lower + i));
    const __m128i first = _mm_and_si128(codes, low);
    const __m128i second = _mm_and_si128(_mm_srli_epi16(codes, 4), low);
    const __m128i pairs = _mm_add_epi16(
        _mm_maddubs_epi16(first, _mm_loadu_si128((const __m128i *)(query + i))),
        _mm_maddubs_epi16(second, _mm_loadu_si128((const __m128i *)(query + depth / 2 + i))));
    total = _mm_add_epi32(total, _mm_madd_epi16(pairs, one));
  }
  total = _mm_hadd_epi32(total, total);
  return _mm_cvtsi128_si32(_mm_hadd_epi32(total, total));
}

static inline __attribute__((always_inline)) TARGET bool any_avx2(group_integers mask) {
  return _mm256_movemask_ps((__m256)mask);
}

static inline __attribute__((always_inline)) TARGET bool any_lane_avx2(int_vec mask) {
  return any_avx2(mask);
}

#include "kernel_bodies.h"
