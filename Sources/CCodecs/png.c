// PNG with libpng, as 8-bit RGB or RGBA. 16-bit samples keep their high byte, as in Pillow for
// colour (Pillow clips 16-bit greyscale at 255, which gives a white picture; here it is scaled
// too).
#include "codecs.h"
#include "colour.h"
#include "profile.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>

#include <png.h>

typedef struct {
  codec_input *input;
  size_t offset;
  bool ended;
} png_state;

static uint32_t big_endian(const uint8_t *b) {
  return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

// IHDR is at a fixed offset: no library is needed to reject an excessive size.
codec_status codec_png_probe(codec_input *input, codec_header *header) {
  if (input->count < 33) return codec_truncated;
  if (memcmp(input->bytes + 8, "\0\0\0\rIHDR", 8) != 0) {
    codec_fail(input, "the header chunk is missing");
    return codec_corrupt;
  }
  header->width = big_endian(input->bytes + 16);
  header->height = big_endian(input->bytes + 20);
  return codec_ok;
}

static void png_fail(png_structp png, png_const_charp text) {
  png_state *state = png_get_error_ptr(png);
  codec_fail(state->input, "%s", text);
  png_longjmp(png, 1);
}

static void png_be_silent(png_structp png, png_const_charp text) {}

static void png_take(png_structp png, png_bytep target, size_t count) {
  png_state *state = png_get_io_ptr(png);
  if (count > state->input->count - state->offset) {
    state->ended = true;
    png_error(png, "unexpected end of data");
  }
  memcpy(target, state->input->bytes + state->offset, count);
  state->offset += count;
}

// Sets up the transformations; returns whether there is an alpha channel. `grey`: whether the file
// has no colours.
static bool png_prepare(png_structp png, png_infop info, const codec_output *output, bool *grey) {
  // Skip ancillary chunks other than tRNS and iCCP: they are not needed, and compressed text could
  // decompress to any size. (libpng's own limit for a profile is 8 MB.)
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_AS_DEFAULT, (png_const_bytep) "iCCP", 1);
  png_set_benign_errors(png, 1);
  png_set_crc_action(png, PNG_CRC_DEFAULT, PNG_CRC_QUIET_USE);
  png_set_user_limits(png, output->width, output->height);
  png_read_info(png, info);
  if (png_get_image_width(png, info) != output->width
      || png_get_image_height(png, info) != output->height)
    png_error(png, "the size differs from the header read before");
  *grey = !(png_get_color_type(png, info) & PNG_COLOR_MASK_COLOR);
  png_set_expand(png);
  png_set_strip_16(png);
  png_set_gray_to_rgb(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  return png_get_channels(png, info) == 4;
}

static void png_decode_rows(png_structp png, const codec_output *output, uint8_t *rgba,
                          bool interlaced) {
  size_t stride = (size_t)output->width * 4;
  for (int pass = 0, passes = interlaced ? 7 : 1; pass < passes; pass++)
    for (uint32_t y = 0; y < output->height; y++) {
      uint8_t *rgb = codec_row(output, y);
      if (!rgba) {
        png_read_row(png, rgb, NULL);
        continue;
      }
      uint8_t *row = interlaced ? rgba + y * stride : rgba;
      png_read_row(png, row, NULL);
      if (pass == passes - 1) rgba_over_white(rgb, row, output->width);
    }
}

static void png_apply_profile(png_structp png, png_infop info, bool grey,
                              const codec_output *output) {
  png_charp name;
  int compression;
  png_bytep profile = NULL;
  png_uint_32 size = 0;
  if (png_get_iCCP(png, info, &name, &compression, &profile, &size) == PNG_INFO_iCCP)
    codec_apply_profile(output, profile, size, grey);
}

codec_status codec_png_decode(codec_input *input, const codec_output *output) {
  png_state state = {.input = input};
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &state, png_fail, png_be_silent);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  uint8_t *volatile rgba = NULL;
  volatile bool finished = false;
  if (info && setjmp(png_jmpbuf(png)) == 0) {
    png_set_read_fn(png, &state, png_take);
    bool grey = false;
    bool alpha = png_prepare(png, info, output, &grey);
    bool interlaced = png_get_interlace_type(png, info) != PNG_INTERLACE_NONE;
    if (alpha) {
      rgba = malloc((size_t)output->width * 4 * (interlaced ? output->height : 1));
      if (!rgba) png_error(png, "not enough memory");
    }
    png_decode_rows(png, output, rgba, interlaced);
    png_apply_profile(png, info, grey, output);
    finished = true;
  }
  free(rgba);
  png_destroy_read_struct(&png, &info, NULL);
  if (finished) return codec_ok;
  return state.ended ? codec_truncated : codec_corrupt;
}
