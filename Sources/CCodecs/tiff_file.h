// A TIFF file in memory, and which of its pictures is read.
#pragma once

#include "codecs.h"

#include <stdbool.h>

#include <tiffio.h>

static const tmsize_t tiff_maximum_allocation = (tmsize_t)512 << 20;

typedef struct {
  codec_input *input;
  uint64_t offset;
  bool ended;  // data was requested past the end
} tiff_state;

// Opens the file in `state->input` at its main picture; NULL if that fails (see tiff_failure).
TIFF *tiff_open(tiff_state *state);

codec_status tiff_failure(const tiff_state *state);
