// Packs weights into panels, and unpacks them.
#include "packing.h"

#include <math.h>
#include <string.h>

#include "CKernels.h"

typedef int8_t bytes_16 __attribute__((vector_size(16), aligned(1)));

static size_t packed_depth(enum kernel_format format, size_t k) {
  return format == kernel_integers ? integer_depth(k) : format == kernel_bfloat16 ? pair_depth(k) : k;
}

size_t kernel_packed_count(enum kernel_format format, size_t n, size_t k) {
  const size_t columns = format == kernel_integers ? 16 : 8;
  return (n + columns - 1) / columns * columns * packed_depth(format, k);
}

void kernel_pack_floats(const float *w, size_t across, size_t along, size_t n, size_t k,
                        float *packed) {
  for (size_t first = 0; first < n;) {
    size_t width = panel_width(n - first);
    const float *from = w + first * across;
    if (first + width <= n)
      for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < width; j++) *packed++ = from[j * across + i * along];
    else
      for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < width; j++)
          *packed++ = first + j < n ? from[j * across + i * along] : 0;
    first += width;
  }
}

// Rounded to nearest, ties to even; NaN stays NaN.
static uint16_t bfloat16(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  if (x != x) return (uint16_t)(bits >> 16 | 0x40);
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static void pack_bfloat16(const float *w, size_t n, size_t k, uint16_t *packed) {
  for (size_t first = 0; first < n;) {
    size_t width = panel_width(n - first);
    for (size_t i = 0; i < k; i += 2)
      for (size_t j = 0; j < width; j++)
        for (size_t late = 0; late < 2; late++)
          *packed++ = first + j < n && i + late < k ? bfloat16(w[(first + j) * k + i + late]) : 0;
    first += width;
  }
}

static size_t integer_place(size_t row, size_t i, size_t depth) {
  return row / 16 * 16 * depth + i / 4 * 64 + row % 16 * 4 + i % 4;
}

// A row with a number that is not finite gets the scale NaN.
static void pack_integers(const float *w, size_t n, size_t k, struct kernel_panels panels) {
  const float round = 12582912.0f;  // 1.5·2²³: adding it rounds to an integer
  const size_t depth = integer_depth(k);
  int8_t *numbers = panels.numbers;
  memset(numbers, 0, kernel_packed_count(kernel_integers, n, k));
  for (size_t row = 0; row < n; row++, w += k) {
    float most = 0, invalid = 0;
    for (size_t i = 0; i < k; i++) {
      most = fabsf(w[i]) > most ? fabsf(w[i]) : most;
      // Not finite times zero is NaN.
      invalid += w[i] * 0;
    }
    const float scale = most / 63 + invalid, inverse = 1 / scale;
    const bool is_valid = scale > 0 && isfinite(scale) && isfinite(inverse);
    int32_t sum = 0;
    for (size_t i = 0; is_valid && i < k; i++) {
      const int32_t integer = (int32_t)((w[i] * inverse + round) - round);
      numbers[integer_place(row, i, depth)] = (int8_t)integer;
      sum += integer;
    }
    panels.scales[row] = scale;
    panels.sums[row] = (float)sum;
  }
}

void kernel_pack(const float *w, size_t n, size_t k, struct kernel_panels panels) {
  switch (panels.format) {
  case kernel_floats: return kernel_pack_floats(w, k, 1, n, k, panels.numbers);
  case kernel_bfloat16: return pack_bfloat16(w, n, k, panels.numbers);
  case kernel_integers: return pack_integers(w, n, k, panels);
  case kernel_bytes: __builtin_trap();
  }
}

// Transposes 16 rows of 16 bytes, `stride` apart: interleaving rows i and i + 8 four times does it.
static void transpose_16(const int8_t *from, size_t stride, int8_t *to) {
  bytes_16 rows[16], next[16];
  for (int i = 0; i < 16; i++) rows[i] = *(const bytes_16 *)(from + i * stride);
  for (int round = 0; round < 4; round++) {
    for (int i = 0; i < 8; i++) {
      next[2 * i] = __builtin_shufflevector(rows[i], rows[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4,
                                            20, 5, 21, 6, 22, 7, 23);
      next[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + 8], 8, 24, 9, 25, 10, 26, 11, 27,
                                                12, 28, 13, 29, 14, 30, 15, 31);
    }
    memcpy(rows, next, sizeof rows);
  }
  for (int i = 0; i < 16; i++) *(bytes_16 *)(to + 16 * i) = rows[i];
}

void kernel_pack_bytes(const int8_t *w, size_t n, size_t k, int8_t *packed) {
  for (size_t first = 0; first < n;) {
    size_t width = panel_width(n - first), i = 0;
    if (first + 16 <= n)
      for (; i + 16 <= k; i += 16, packed += 256) transpose_16(w + first * k + i, k, packed);
    for (; i < k; i++)
      for (size_t j = 0; j < width; j++)
        *packed++ = first + j < n ? w[(first + j) * k + i] : 0;
    first += width;
  }
}

static float unpacked(struct kernel_panels panels, size_t row, size_t at) {
  switch (panels.format) {
  case kernel_floats: return ((const float *)panels.numbers)[at];
  case kernel_bfloat16: {
    uint32_t bits = (uint32_t)((const uint16_t *)panels.numbers)[at] << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
  }
  default: return (float)((const int8_t *)panels.numbers)[at] * panels.scales[row];
  }
}

static size_t place(enum kernel_format format, size_t n, size_t k, size_t row, size_t i) {
  if (format == kernel_integers) return integer_place(row, i, integer_depth(k));
  const size_t first = row / 16 * 16, width = panel_width(n - first);
  if (format == kernel_bfloat16)
    return first * pair_depth(k) + i / 2 * 2 * width + (row - first) * 2 + i % 2;
  return first * k + i * width + row - first;
}

void kernel_unpack(struct kernel_panels panels, size_t n, size_t k, float *w) {
  for (size_t row = 0; row < n; row++)
    for (size_t i = 0; i < k; i++)
      w[row * k + i] = unpacked(panels, row, place(panels.format, n, k, row, i));
}
