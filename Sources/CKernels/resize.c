#include "CKernelsResize.h"

#include <string.h>

enum { fraction_bits = 32 - 8 - 2, half = 1 << (fraction_bits - 1) };

static inline uint8_t clip(int32_t sum) {
  int32_t value = sum >> fraction_bits;
  return value < 0 ? 0 : value > 255 ? 255 : (uint8_t)value;
}

static void rows_portable(const uint8_t *source, size_t width, size_t rows, resize_axis axis,
                          uint8_t *target) {
  for (size_t y = 0; y < rows; y++, source += width * 3)
    for (size_t i = 0; i < axis.outputs; i++, target += 3) {
      const uint8_t *pixel = source + (size_t)axis.starts[i] * 3;
      const int32_t *weights = axis.weights + i * axis.taps;
      int32_t sums[3] = {half, half, half};
      for (size_t t = 0; t < axis.taps; t++, pixel += 3)
        for (int c = 0; c < 3; c++) sums[c] += pixel[c] * weights[t];
      for (int c = 0; c < 3; c++) target[c] = clip(sums[c]);
    }
}

static void columns_portable(const uint8_t *source, size_t width, size_t from, resize_axis axis,
                             uint8_t *target) {
  for (size_t i = 0; i < axis.outputs; i++, target += width)
    for (size_t x = from; x < width; x++) {
      const uint8_t *value = source + (size_t)axis.starts[i] * width + x;
      const int32_t *weights = axis.weights + i * axis.taps;
      int32_t sum = half;
      for (size_t t = 0; t < axis.taps; t++, value += width) sum += *value * weights[t];
      target[x] = clip(sum);
    }
}

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

// A weight w is split exactly as (high << 15) + low, 0 <= low < 2^15, so that both parts are 16-bit
// and the multiply-add of byte pairs does two taps per lane. 32-bit sums may overflow in between:
// addition modulo 2^32 gives the same final sum, which fits.
enum { low_bits = 15 };

AVX2 static inline __m256i pair_low(int32_t a, int32_t b) {
  const int32_t mask = (1 << low_bits) - 1;
  return _mm256_set1_epi32((b & mask) << 16 | (a & mask));
}

AVX2 static inline __m256i pair_high(int32_t a, int32_t b) {
  uint32_t high_b = (uint32_t)(b >> low_bits), high_a = (uint32_t)(a >> low_bits);
  return _mm256_set1_epi32((int32_t)(high_b << 16 | (high_a & 0xFFFF)));
}

// Lanes of the result: the clipped bytes of the eight sums, in 32 bits each.
AVX2 static inline __m256i finish(__m256i low, __m256i high) {
  __m256i sum = _mm256_add_epi32(low, _mm256_slli_epi32(high, low_bits));
  return _mm256_srai_epi32(sum, fraction_bits);
}

enum { rows_together = 4 };

// Four taps per step; the lower half of a register holds taps 0 and 1, the upper half taps 2 and 3,
// as (red, red), (green, green), (blue, blue), nothing.
AVX2 static void rows_avx2(const uint8_t *source, size_t width, resize_axis axis, uint8_t *target) {
  const __m256i spread = _mm256_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1,
                                          6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1,
                                          -1);
  const __m128i rounding = _mm_set1_epi32(half);
  const __m256i mask = _mm256_set1_epi32((1 << low_bits) - 1);
  const size_t stride = width * 3;
  for (size_t i = 0; i < axis.outputs; i++) {
    const uint8_t *pixel = source + (size_t)axis.starts[i] * 3;
    const int32_t *weights = axis.weights + i * axis.taps;
    __m256i low[rows_together], high[rows_together];
    for (int r = 0; r < rows_together; r++) low[r] = high[r] = _mm256_setzero_si256();
    for (size_t t = 0; t < axis.taps; t += 4, pixel += 12) {
      // [w0 w1 w2 w3] to 16-bit pairs: (w0, w1) through the lower half, (w2, w3) through the upper.
      __m256i four = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(weights + t)));
      __m256i lows = _mm256_and_si256(four, mask), highs = _mm256_srai_epi32(four, low_bits);
      __m256i pairs = _mm256_packs_epi32(lows, highs);  // l01 l23 h01 h23, in each half
      __m256i weight_low = _mm256_blend_epi32(_mm256_shuffle_epi32(pairs, 0x00),
                                              _mm256_shuffle_epi32(pairs, 0x55), 0xF0);
      __m256i weight_high = _mm256_blend_epi32(_mm256_shuffle_epi32(pairs, 0xAA),
                                               _mm256_shuffle_epi32(pairs, 0xFF), 0xF0);
      for (int r = 0; r < rows_together; r++) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(pixel + (size_t)r * stride));
        __m256i taps = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(bytes), spread);
        low[r] = _mm256_add_epi32(low[r], _mm256_madd_epi16(taps, weight_low));
        high[r] = _mm256_add_epi32(high[r], _mm256_madd_epi16(taps, weight_high));
      }
    }
    for (int r = 0; r < rows_together; r++) {
      __m256i sums = _mm256_add_epi32(low[r], _mm256_slli_epi32(high[r], low_bits));
      __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
      __m128i value = _mm_srai_epi32(_mm_add_epi32(sum, rounding), fraction_bits);
      value = _mm_packus_epi16(_mm_packs_epi32(value, value), value);
      uint32_t rgb = (uint32_t)_mm_cvtsi128_si32(value);
      memcpy(target + ((size_t)r * axis.outputs + i) * 3, &rgb, 3);
    }
  }
}

// 32 columns at a time, two taps per step. Returns how many columns are done.
AVX2 static size_t columns_avx2(const uint8_t *source, size_t width, resize_axis axis,
                                uint8_t *target) {
  const __m256i zero = _mm256_setzero_si256();
  const __m256i rounding = _mm256_set1_epi32(half);
  size_t whole = width / 32 * 32;
  for (size_t i = 0; i < axis.outputs; i++, target += width) {
    const int32_t *weights = axis.weights + i * axis.taps;
    for (size_t x = 0; x < whole; x += 32) {
      const uint8_t *value = source + (size_t)axis.starts[i] * width + x;
      __m256i low[4] = {rounding, rounding, rounding, rounding}, high[4] = {zero, zero, zero, zero};
      for (size_t t = 0; t < axis.taps; t += 2, value += 2 * width) {
        __m256i weight_low = pair_low(weights[t], weights[t + 1]);
        __m256i weight_high = pair_high(weights[t], weights[t + 1]);
        __m256i a = _mm256_loadu_si256((const __m256i *)value);
        __m256i b = _mm256_loadu_si256((const __m256i *)(value + width));
        __m256i ab[2] = {_mm256_unpacklo_epi8(a, b), _mm256_unpackhi_epi8(a, b)};
        for (int h = 0; h < 2; h++) {
          __m256i pairs[2] = {_mm256_unpacklo_epi8(ab[h], zero), _mm256_unpackhi_epi8(ab[h], zero)};
          for (int q = 0; q < 2; q++) {
            int n = 2 * h + q;
            low[n] = _mm256_add_epi32(low[n], _mm256_madd_epi16(pairs[q], weight_low));
            high[n] = _mm256_add_epi32(high[n], _mm256_madd_epi16(pairs[q], weight_high));
          }
        }
      }
      // The packs undo the unpacks half by half, so the bytes come out in order.
      __m256i first = _mm256_packs_epi32(finish(low[0], high[0]), finish(low[1], high[1]));
      __m256i second = _mm256_packs_epi32(finish(low[2], high[2]), finish(low[3], high[3]));
      _mm256_storeu_si256((__m256i *)(target + x), _mm256_packus_epi16(first, second));
    }
  }
  return whole;
}

bool resize_has_fast_path(void) { return __builtin_cpu_supports("avx2"); }

#else

bool resize_has_fast_path(void) { return false; }

#endif

void resize_rows(const uint8_t *source, size_t width, size_t rows, resize_axis axis, bool fast,
                 uint8_t *target) {
  size_t y = 0;
#if defined(__x86_64__)
  // The fast path reads 16 bytes where 12 are needed, past the end of the window, so the last row is
  // left to the portable path.
  if (fast && axis.taps % 4 == 0)
    for (; y + rows_together < rows; y += rows_together)
      rows_avx2(source + y * width * 3, width, axis, target + y * axis.outputs * 3);
#endif
  rows_portable(source + y * width * 3, width, rows - y, axis, target + y * axis.outputs * 3);
}

void resize_columns(const uint8_t *source, size_t width, resize_axis axis, bool fast,
                    uint8_t *target) {
  size_t from = 0;
#if defined(__x86_64__)
  if (fast && axis.taps % 2 == 0) from = columns_avx2(source, width, axis, target);
#endif
  columns_portable(source, width, from, axis, target);
}
