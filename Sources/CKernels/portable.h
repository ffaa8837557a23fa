// The kernels for every processor of the architecture.
#define FOR_CPU(name) name##_portable
#define TARGET
#define lanes 8
#define tile_rows 6
#define integer_rows 4
#include "vectors.h"

// Σ x·w of `rows` rows of `depth` bytes and `vectors` vectors of columns, in panels of 16.
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

// Σ query · code of `groups` groups of 8 vectors (upper planes).
static inline void code_sums_portable(const int groups, const uint8_t *upper, const uint8_t *ahead,
                                      size_t depth, const int8_t *query, group_integers sums[4]) {
  for (int g = 0; g < groups; g++) {
    int32_t sum[kernel_code_group] = {0};
    for (size_t i = 0; i < depth / 2; i += 4)
      for (int v = 0; v < kernel_code_group; v++)
        for (int j = 0; j < 4; j++, upper++)
          sum[v] += (*upper & 15) * query[i + j] + (*upper >> 4) * query[depth / 2 + i + j];
    memcpy(&sums[g], sum, sizeof sum);
  }
}

// Σ query · code of one vector (lower plane).
static inline int32_t lower_sum_portable(const uint8_t *lower, size_t depth, const int8_t *query) {
  int32_t sum = 0;
  for (size_t i = 0; i < depth / 2; i++)
    sum += (lower[i] & 15) * query[i] + (lower[i] >> 4) * query[depth / 2 + i];
  return sum;
}

static inline bool any_portable(group_integers mask) {
  int32_t some = 0;
  for (int i = 0; i < kernel_code_group; i++) some |= mask[i];
  return some;
}

static inline bool any_lane_portable(int_vec mask) { return any_portable(mask); }

#include "kernel_bodies.h"
