// Vectors as codes of 8 bits, their upper and lower halves in two planes (VectorIndex/Codes.swift
// says what the codes mean). Nothing here checks a bound: VectorIndex does, before it calls.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum {
  /// The upper plane has its vectors in groups of so many: 8 numbers of each, then the next 8.
  kernel_code_group = 8,
  /// The depth of a code is a multiple of this.
  kernel_code_depth = 32,
};

/// Codes of many vectors; nothing has to be aligned.
struct kernel_codes {
  /// Per group and 8 numbers: 32 bytes, 4 of each vector; the low halves of a byte are the upper bits
  /// of the first 4 numbers, the high halves those of the next 4.
  const void *upper;
  /// Per vector depth / 2 bytes, in the same order.
  const void *lower;
  /// Steps of the vectors, Float32, padded to whole groups.
  const void *steps;
  /// What a vector's upper plane is away from it, as the upper halves of Float32, padded likewise.
  const void *errors;
  size_t count, depth;
};

/// A query's scan of upper planes: score = vector's step · step · Σ rounded · (2 · bits − 15).
struct kernel_code_query {
  /// depth numbers.
  const int8_t *rounded;
  /// 15 · Σ rounded.
  int32_t centre;
  float step;
  /// What a vector's error is multiplied by.
  float reach;
  /// A vector is found unless its score + reach · error is below this.
  float limit;
  /// Which vectors are found, and their scores: room for all.
  uint32_t *found;
  float *scores;
  /// How many are found.
  size_t found_count;
};

/// The scores of all vectors less their penalties, both padded to whole groups.
void kernel_score_codes(struct kernel_codes codes, struct kernel_code_query query,
                        const float *penalties, float *scores);

/// One scan for each of the queries.
void kernel_scan_codes(struct kernel_codes codes, struct kernel_code_query *queries, size_t count);

/// Σ query · (code − 127.5) over both planes of one vector; `query` has depth numbers.
float kernel_code_score(struct kernel_codes codes, size_t vector, const float *query);

/// Asks for memory that will be read soon, as far as the processor likes.
static inline void kernel_prefetch(const void *start, size_t bytes) {
  for (size_t offset = 0; offset < bytes; offset += 64)
    __builtin_prefetch((const char *)start + offset);
}
