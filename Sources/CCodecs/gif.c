// GIF with giflib: only the first frame is decoded, on a canvas that contains both the screen and
// that frame, as in Pillow. The rest of the canvas is white if the frame has a transparent colour,
// otherwise the first colour of its palette.
#include "codecs.h"

#include <stdbool.h>
#include <stdlib.h>

#include <gif_lib.h>

typedef struct {
  codec_input *input;
  size_t offset;
  bool ended;
} gif_state;

typedef struct {
  uint32_t left, top, width, height;
  int transparent;  // a palette index, or NO_TRANSPARENT_COLOR
} gif_frame;

static int gif_take(GifFileType *gif, GifByteType *target, int count) {
  gif_state *state = gif->UserData;
  size_t left = state->input->count - state->offset;
  size_t taken = (size_t)count <= left ? (size_t)count : left;
  if (taken < (size_t)count) state->ended = true;
  memcpy(target, state->input->bytes + state->offset, taken);
  state->offset += taken;
  return (int)taken;
}

static codec_status gif_status(const gif_state *state, int error) {
  if (state->ended) return codec_truncated;
  const char *text = GifErrorString(error);
  codec_fail(state->input, "%s", text ? text : "the data are damaged");
  return codec_corrupt;
}

// Skips to the first picture and reads its descriptor.
static bool gif_find_frame(GifFileType *gif, gif_frame *frame) {
  frame->transparent = NO_TRANSPARENT_COLOR;
  for (;;) {
    GifRecordType record;
    if (DGifGetRecordType(gif, &record) == GIF_ERROR) return false;
    if (record == TERMINATE_RECORD_TYPE) {
      gif->Error = D_GIF_ERR_NO_IMAG_DSCR;
      return false;
    }
    if (record == EXTENSION_RECORD_TYPE) {
      int code;
      GifByteType *block;
      if (DGifGetExtension(gif, &code, &block) == GIF_ERROR) return false;
      GraphicsControlBlock control;
      if (block && code == GRAPHICS_EXT_FUNC_CODE
          && DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK)
        frame->transparent = control.TransparentColor;
      while (block)
        if (DGifGetExtensionNext(gif, &block) == GIF_ERROR) return false;
    } else if (record == IMAGE_DESC_RECORD_TYPE) {
      if (DGifGetImageDesc(gif) == GIF_ERROR) return false;
      const GifImageDesc *image = &gif->Image;
      if (image->Left < 0 || image->Top < 0 || image->Width <= 0 || image->Height <= 0)
        return false;
      frame->left = (uint32_t)image->Left;
      frame->top = (uint32_t)image->Top;
      frame->width = (uint32_t)image->Width;
      frame->height = (uint32_t)image->Height;
      return true;
    }
  }
}

static uint32_t larger(uint32_t a, uint32_t b) { return a > b ? a : b; }

static uint32_t gif_canvas_width(const GifFileType *gif, const gif_frame *frame) {
  return larger((uint32_t)gif->SWidth, frame->left + frame->width);
}

static uint32_t gif_canvas_height(const GifFileType *gif, const gif_frame *frame) {
  return larger((uint32_t)gif->SHeight, frame->top + frame->height);
}

codec_status codec_gif_probe(codec_input *input, codec_header *header) {
  gif_state state = {.input = input};
  int error = 0;
  GifFileType *gif = DGifOpen(&state, gif_take, &error);
  if (!gif) return gif_status(&state, error);
  gif_frame frame;
  codec_status status = codec_ok;
  if (gif_find_frame(gif, &frame)) {
    header->width = gif_canvas_width(gif, &frame);
    header->height = gif_canvas_height(gif, &frame);
  } else {
    status = gif_status(&state, gif->Error);
  }
  DGifCloseFile(gif, &error);
  return status;
}

// RGB of all 256 indices: white if transparent, black beyond a short palette, grey without a
// palette.
static void gif_palette(const GifFileType *gif, const gif_frame *frame, uint8_t palette[256][3]) {
  const ColorMapObject *map = gif->Image.ColorMap ? gif->Image.ColorMap : gif->SColorMap;
  for (int i = 0; i < 256; i++) {
    uint8_t *rgb = palette[i];
    if (i == frame->transparent) {
      rgb[0] = rgb[1] = rgb[2] = 255;
    } else if (!map) {
      rgb[0] = rgb[1] = rgb[2] = (uint8_t)i;
    } else if (i < map->ColorCount) {
      rgb[0] = map->Colors[i].Red;
      rgb[1] = map->Colors[i].Green;
      rgb[2] = map->Colors[i].Blue;
    } else {
      rgb[0] = rgb[1] = rgb[2] = 0;
    }
  }
}

static void gif_fill(const codec_output *output, const uint8_t colour[3]) {
  uint8_t *rgb = output->rgb;
  for (size_t i = (size_t)output->width * output->height; i > 0; i--, rgb += 3)
    memcpy(rgb, colour, 3);
}

static bool gif_read_rows(GifFileType *gif, const gif_frame *frame, const codec_output *output,
                          uint8_t *indices, uint8_t palette[256][3]) {
  static const uint32_t starts[] = {0, 4, 2, 1}, steps[] = {8, 8, 4, 2};
  int passes = gif->Image.Interlace ? 4 : 1;
  for (int pass = 0; pass < passes; pass++) {
    uint32_t step = passes == 1 ? 1 : steps[pass];
    for (uint32_t y = starts[pass]; y < frame->height; y += step) {
      if (DGifGetLine(gif, indices, (int)frame->width) == GIF_ERROR) return false;
      uint8_t *rgb = codec_row(output, frame->top + y) + (size_t)frame->left * 3;
      for (uint32_t x = 0; x < frame->width; x++, rgb += 3) memcpy(rgb, palette[indices[x]], 3);
    }
  }
  return true;
}

codec_status codec_gif_decode(codec_input *input, const codec_output *output) {
  gif_state state = {.input = input};
  int error = 0;
  GifFileType *gif = DGifOpen(&state, gif_take, &error);
  if (!gif) return gif_status(&state, error);
  gif_frame frame;
  uint8_t *indices = NULL;
  bool finished = false;
  if (gif_find_frame(gif, &frame) && gif_canvas_width(gif, &frame) == output->width
      && gif_canvas_height(gif, &frame) == output->height && (indices = malloc(frame.width))) {
    uint8_t palette[256][3];
    gif_palette(gif, &frame, palette);
    gif_fill(output, palette[frame.transparent == NO_TRANSPARENT_COLOR ? 0 : frame.transparent]);
    finished = gif_read_rows(gif, &frame, output, indices, palette);
  }
  codec_status status = finished ? codec_ok : gif_status(&state, gif->Error);
  free(indices);
  DGifCloseFile(gif, &error);
  return status;
}
