// The layout of panels, for packing and multiplying.
#pragma once
#include <stddef.h>

// The columns of a panel: 16, or 8 for the last one if that is enough.
static inline size_t panel_width(size_t columns_left) { return columns_left > 8 ? 16 : 8; }

// The padded depths of panels of integers and of bfloat16.
static inline size_t integer_depth(size_t k) { return (k + 7) / 8 * 8; }
static inline size_t pair_depth(size_t k) { return (k + 1) / 2 * 2; }
