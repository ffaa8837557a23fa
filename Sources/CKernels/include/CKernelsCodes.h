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

/// Codes of many vectors; nothing has to be aligned. A query for them has its numbers in halves: those
/// that the low halves of a code's bytes belong to, then those of the high halves.
struct kernel_codes {
  /// Per group and 8 numbers: 32 bytes, 4 of each vector; the low halves of a byte are the upper bits
  /// of the first 4 numbers, the high halves those of the next 4.
  const void *upper;
  /// Per vector depth / 2 bytes, in the same order.
  const void *lower;
  /// Steps of the vectors, Float32, padded to whole groups.
  const void *steps;
  /// What a vector's upper plane is away from it, and its whole code, as the upper halves of Float32,
  /// padded likewise.
  const void *errors, *whole_errors;
  /// What will be read after these, or null: its first bytes are fetched towards the end of a scan.
  const void *next;
  size_t count, depth;
};

/// A query's scan: score = vector's step · step · Σ rounded · (2 · upper bits − 15), and what the lower
/// bits add to it.
struct kernel_code_query {
  /// depth numbers, in halves.
  const int8_t *rounded;
  /// 15 · Σ rounded.
  int32_t centre;
  float step;
  /// What a vector's error is multiplied by.
  float reach;
  /// A vector is found unless its score + reach · error is below this, by the upper bits or by all.
  float limit;
  /// Which vectors are found, and their scores by all bits: room for all.
  uint32_t *found;
  float *scores;
  /// How many are found.
  size_t found_count;
};

/// The scores of all vectors' upper bits less their penalties, both padded to whole groups.
void kernel_score_codes(struct kernel_codes codes, struct kernel_code_query query,
                        const float *penalties, float *scores);

/// Looks at all upper bits, and at the lower bits of what these do not rule out.
void kernel_scan_codes(struct kernel_codes codes, struct kernel_code_query *query);

/// Σ query · (code − 127.5) over both planes of one vector; `query` has depth numbers, in halves.
float kernel_code_score(struct kernel_codes codes, size_t vector, const float *query);

enum {
  /// Queries that whole codes are scanned for together.
  kernel_code_queries = 32,
  /// Whole codes are filled up to a multiple of so many vectors.
  kernel_whole_multiple = 12,
};

/// Codes as a scan for many queries reads them: the upper 7 bits, x ≈ 2 · step · (bits − 63.5).
struct kernel_whole_codes {
  /// depth bytes a vector, in halves, one vector behind the other.
  const uint8_t *bits;
  /// Steps of the vectors, and what their bits are away from them.
  const float *steps, *errors;
  size_t count, depth;
};

/// kernel_code_queries queries of a scan of whole codes; what `kernel_code_query` has of each.
struct kernel_code_query_panels {
  /// Integers.
  struct kernel_panels panels;
  const float *reaches, *limits;
  /// Of every query room for all vectors, `count` apart.
  uint32_t *found;
  float *scores;
  size_t *found_counts;
};

/// Writes the upper 7 bits of all vectors, depth bytes each, in halves.
void kernel_unpack_codes(struct kernel_codes codes, uint8_t *bits);

/// A scan for all of the queries.
void kernel_scan_whole_codes(struct kernel_whole_codes codes,
                             struct kernel_code_query_panels queries);

/// Asks for memory that will be read soon, as far as the processor likes.
static inline void kernel_prefetch(const void *start, size_t bytes) {
  for (size_t offset = 0; offset < bytes; offset += 64)
    __builtin_prefetch((const char *)start + offset);
}
