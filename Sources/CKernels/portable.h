// The kernels for what the target always has.
#define FOR_CPU(name) name##_portable
#define TARGET
#define lanes 8
#define tile_rows 6
#define integer_rows 4
#include "vectors.h"

// Σ x·w of `rows` rows of `depth` bytes against `vectors` vectors of columns, 16 a panel.
static inline void integer_sums_portable(const int rows, const int vectors, const uint8_t *x,
                                         size_t depth, const int8_t *panel,
                                         int_vec sums[integer_rows][2]) {
  for (int r = 0; r < rows; r++) {
    int32_t row[16] = {0};
    for (size_t i = 0; i < depth; i += 4)
      for (int j = 0; j < vectors * lanes; j++)
        for (int q = 0; q < 4; q++) row[j] += x[r * depth + i + q] * panel[i * 16 + j * 4 + q];
    memcpy(sums[r], row, sizeof row);
  }
}

// Σ query · code of `groups` groups of 8 vectors (upper planes) and each of `queries` queries.
static inline void code_sums_portable(const int groups, const int queries, const uint8_t *upper,
                                      size_t depth, const int8_t *const *query,
                                      group_integers sums[4]) {
  for (int g = 0; g < groups; g++, upper += depth * kernel_code_group / 2)
    for (int q = 0; q < queries; q++) {
      int32_t sum[kernel_code_group] = {0};
      const uint8_t *codes = upper;
      for (size_t i = 0; i < depth; i += 8, codes += 4 * kernel_code_group)
        for (int v = 0; v < kernel_code_group; v++)
          for (int j = 0; j < 4; j++)
            sum[v] += (codes[4 * v + j] & 15) * query[q][i + j] +
                      (codes[4 * v + j] >> 4) * query[q][i + 4 + j];
      memcpy(&sums[g * queries + q], sum, sizeof sum);
    }
}

static inline bool any_portable(group_integers mask) {
  int32_t some = 0;
  for (int i = 0; i < kernel_code_group; i++) some |= mask[i];
  return some;
}

#include "kernel_bodies.h"
