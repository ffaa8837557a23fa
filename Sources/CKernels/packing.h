// What packing has in common with multiplying: where numbers lie in panels.
#pragma once
#include <stddef.h>

// Panels of packed weights: of 16 columns, the last one of 8 where that is enough.
static inline size_t panel_width(size_t columns_left) { return columns_left > 8 ? 16 : 8; }

// The depths of panels of integers and of bfloat16.
static inline size_t integer_depth(size_t k) { return (k + 7) / 8 * 8; }
static inline size_t pair_depth(size_t k) { return (k + 1) / 2 * 2; }
