// Vectors as codes of 8 bits, with the upper and lower 4 bits in two planes. The codes are defined
// in VectorIndex, which is the only caller and checks all bounds first.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum {
  /// Vectors in a group of the upper plane: 8 numbers of each, then the next 8.
  kernel_code_group = 8,
  /// The depth of a code is a multiple of this.
  kernel_code_depth = 32,
};

/// Codes of many vectors, at any alignment. A query for them is stored in halves: first its numbers
/// for the low halves of a code's bytes, then those for the high halves.
struct kernel_codes {
  /// For each group and 8 numbers, 32 bytes, 4 of each vector: the low halves of the bytes are the
  /// upper bits of the first 4 numbers, the high halves those of the next 4.
  const void *upper;
  /// depth / 2 bytes for each vector, in the same order.
  const void *lower;
  /// Steps of the vectors, Float32, padded to whole groups.
  const void *steps;
  /// The errors of each vector's upper plane, and of its entire code, as bfloat16; padded the same
  /// way.
  const void *errors, *whole_errors;
  /// What will be scanned next, or null: its first bytes are prefetched near the end of a scan.
  const void *next;
  size_t count, depth;
};

/// The scan for a query: score = the vector's step · step · Σ rounded · (2 · upper bits − 15), plus
/// the contribution of the lower bits.
struct kernel_code_query {
  /// depth numbers, in halves.
  const int8_t *rounded;
  /// 15 · Σ rounded.
  int32_t centre;
  float step;
  /// The factor of a vector's error.
  float reach;
  /// A vector is found unless its score + reach · error is below this, by the upper bits or by all.
  float limit;
  /// The vectors found, and their scores by all bits; large enough for all vectors.
  uint32_t *found;
  float *scores;
  /// How many were found.
  size_t found_count;
};

/// The scores of all vectors by their upper bits, minus their penalties; both padded to whole groups.
void kernel_score_codes(struct kernel_codes codes, struct kernel_code_query query,
                        const float *penalties, float *scores);

/// Scans all upper bits, and the lower bits of vectors that these do not rule out.
void kernel_scan_codes(struct kernel_codes codes, struct kernel_code_query *query);

/// Σ query · (code − 127.5) over both planes of one vector; `query` has depth numbers, in halves.
float kernel_code_score(struct kernel_codes codes, size_t vector, const float *query);

enum {
  /// How many queries are scanned together.
  kernel_code_queries = 32,
  /// Codes are padded to a multiple of this many vectors.
  kernel_whole_multiple = 12,
};

/// Codes as read by a scan for many queries: the upper 7 bits, x ≈ 2 · step · (bits − 63.5).
struct kernel_whole_codes {
  /// depth bytes for each vector, in halves, vector after vector.
  const uint8_t *bits;
  /// The steps of the vectors, and the errors of their codes.
  const float *steps, *errors;
  size_t count, depth;
};

/// kernel_code_queries queries of a scan, each with the members of `kernel_code_query`.
struct kernel_code_query_panels {
  /// Integers.
  struct kernel_panels panels;
  const float *reaches, *limits;
  /// Large enough for all vectors for each query, `count` apart.
  uint32_t *found;
  float *scores;
  size_t *found_counts;
};

/// Writes the upper 7 bits of all vectors, depth bytes each, in halves.
void kernel_unpack_codes(struct kernel_codes codes, uint8_t *bits);

/// A scan for all of the queries.
void kernel_scan_whole_codes(struct kernel_whole_codes codes,
                             struct kernel_code_query_panels queries);

/// Asks the processor to fetch memory that will be read soon.
static inline void kernel_prefetch(const void *start, size_t bytes) {
  for (size_t offset = 0; offset < bytes; offset += 64)
    __builtin_prefetch((const char *)start + offset);
}
