// JPEG with libjpeg-turbo, with Pillow's settings (accurate integer DCT, fancy upsampling).
//
// A file is truncated if it ends while the decoder still needs data for the picture. A file that
// lacks only its end marker is decoded, and so is a progressive one that lacks refinements: as in
// viewers, the scans that are there make the entire picture. Damage that the decoder can skip (stray
// bytes between markers, an invalid code) is tolerated, as in Pillow.
#include "codecs.h"
#include "colour.h"
#include "profile.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>

#include <jpeglib.h>

#include <jerror.h>

// More scans than any encoder writes; each costs a pass over the entire picture.
enum { maximum_scans = 256 };

typedef struct {
  struct jpeg_error_mgr errors;
  struct jpeg_source_mgr source;
  struct jpeg_progress_mgr progress;
  jmp_buf failed;
  codec_input *input;
  bool ended;      // data was requested past the end
  bool truncated;  // and the decoder needed it for the picture
  bool progressive;
  uint8_t *profile;  // the ICC profile, allocated with malloc
  uint32_t profile_size;
  codec_transform inks;  // of CMYK
} jpeg_state;

static void jpeg_fail(j_common_ptr common) {
  jpeg_state *state = common->client_data;
  char text[JMSG_LENGTH_MAX];
  common->err->format_message(common, text);
  codec_fail(state->input, "%s", text);
  longjmp(state->failed, 1);
}

// Whether the current scan only makes the picture finer.
static bool jpeg_refines(j_common_ptr common) {
  const struct jpeg_decompress_struct *jpeg = (j_decompress_ptr)common;
  return common->is_decompressor && jpeg->progressive_mode && (jpeg->Ss > 0 || jpeg->Ah > 0);
}

static void jpeg_warn(j_common_ptr common, int level) {
  jpeg_state *state = common->client_data;
  if (level < 0 && common->err->msg_code == JWRN_HIT_MARKER && state->ended
      && !jpeg_refines(common)) {
    state->truncated = true;
    longjmp(state->failed, 1);
  }
}

static void jpeg_be_silent(j_common_ptr common) {}

static void jpeg_source_ready(j_decompress_ptr jpeg) {}

// Supplies an end marker past the end; if the decoder needed more data, it warns JWRN_HIT_MARKER.
static boolean jpeg_source_end(j_decompress_ptr jpeg) {
  static const JOCTET end[2] = {0xFF, JPEG_EOI};
  ((jpeg_state *)jpeg->client_data)->ended = true;
  jpeg->src->next_input_byte = end;
  jpeg->src->bytes_in_buffer = sizeof end;
  return TRUE;
}

static void jpeg_source_skip(j_decompress_ptr jpeg, long count) {
  if (count <= 0) return;
  if ((unsigned long)count <= jpeg->src->bytes_in_buffer) {
    jpeg->src->next_input_byte += count;
    jpeg->src->bytes_in_buffer -= (size_t)count;
  } else {
    jpeg_source_end(jpeg);
  }
}

static void jpeg_count_scans(j_common_ptr common) {
  if (common->is_decompressor && ((j_decompress_ptr)common)->input_scan_number > maximum_scans) {
    jpeg_state *state = common->client_data;
    codec_fail(state->input, "more than %d scans", maximum_scans);
    longjmp(state->failed, 1);
  }
}

static void jpeg_open(struct jpeg_decompress_struct *jpeg, jpeg_state *state, bool keeps_profile) {
  state->errors.error_exit = jpeg_fail;
  state->errors.emit_message = jpeg_warn;
  state->errors.output_message = jpeg_be_silent;
  jpeg_create_decompress(jpeg);
  state->source.init_source = jpeg_source_ready;
  state->source.fill_input_buffer = jpeg_source_end;
  state->source.skip_input_data = jpeg_source_skip;
  state->source.resync_to_restart = jpeg_resync_to_restart;
  state->source.term_source = jpeg_source_ready;
  state->source.next_input_byte = state->input->bytes;
  state->source.bytes_in_buffer = state->input->count;
  state->progress.progress_monitor = jpeg_count_scans;
  jpeg->src = &state->source;
  jpeg->progress = &state->progress;
  if (keeps_profile) jpeg_save_markers(jpeg, JPEG_APP0 + 2, 0xFFFF);
  jpeg_read_header(jpeg, TRUE);
  state->progressive = jpeg->progressive_mode;
}

static codec_status jpeg_status(const jpeg_state *state, bool finished) {
  if (finished) return codec_ok;
  return state->truncated || state->ended ? codec_truncated : codec_corrupt;
}

codec_status codec_jpeg_probe(codec_input *input, codec_header *header) {
  jpeg_state state = {.input = input};
  struct jpeg_decompress_struct jpeg = {.err = jpeg_std_error(&state.errors),
                                        .client_data = &state};
  volatile bool finished = false;
  if (setjmp(state.failed) == 0) {
    jpeg_open(&jpeg, &state, false);
    header->width = jpeg.image_width;
    header->height = jpeg.image_height;
    header->reducible = true;
    finished = true;
  }
  jpeg_destroy_decompress(&jpeg);
  return jpeg_status(&state, finished);
}

// Whether the scans have shown every component of the entire picture, if coarsely.
static bool jpeg_shows_all(const struct jpeg_decompress_struct *jpeg) {
  for (int c = 0; c < jpeg->num_components; c++)
    if (jpeg->progressive_mode ? jpeg->coef_bits[c][0] < 0 : !jpeg->comp_info[c].quant_table)
      return false;
  return true;
}

static void jpeg_read_rows(struct jpeg_decompress_struct *jpeg, const codec_output *output,
                           uint8_t *cmyk) {
  const jpeg_state *state = jpeg->client_data;
  while (jpeg->output_scanline < jpeg->output_height) {
    uint8_t *rgb = codec_row(output, jpeg->output_scanline);
    JSAMPROW row = cmyk ? cmyk : rgb;
    jpeg_read_scanlines(jpeg, &row, 1);
    if (!cmyk) continue;
    // Adobe stores inks inverted. So does everybody else, as Pillow assumes.
    for (size_t i = 0; i < (size_t)output->width * 4; i++) cmyk[i] = 255 - cmyk[i];
    if (state->inks.handle) {
      codec_transform_row(state->inks, cmyk, rgb, output->width);
      continue;
    }
    for (uint32_t x = 0; x < output->width; x++, row += 4, rgb += 3)
      cmyk_to_rgb(rgb, row[0], row[1], row[2], row[3]);
  }
}

static codec_status jpeg_decode(codec_input *input, const codec_output *output, jpeg_state *state) {
  struct jpeg_decompress_struct jpeg = {.err = jpeg_std_error(&state->errors),
                                        .client_data = state};
  volatile bool finished = false, grey = false, four = false;
  if (setjmp(state->failed) == 0) {
    jpeg_open(&jpeg, state, true);
    jpeg_read_icc_profile(&jpeg, &state->profile, &state->profile_size);
    grey = jpeg.num_components == 1;
    four = jpeg.num_components == 4;
    jpeg.out_color_space = four ? JCS_CMYK : JCS_RGB;
    jpeg.scale_num = 8 / output->reduction;
    jpeg.scale_denom = 8;
    jpeg_start_decompress(&jpeg);
    if (jpeg.output_width != output->width || jpeg.output_height != output->height) {
      codec_fail(input, "the size differs from the header read before");
      longjmp(state->failed, 1);
    }
    if (state->ended && jpeg_has_multiple_scans(&jpeg) && !jpeg_shows_all(&jpeg)) {
      state->truncated = true;
      longjmp(state->failed, 1);
    }
    // libjpeg frees its pools itself in every case.
    uint8_t *cmyk = four ? jpeg.mem->alloc_large((j_common_ptr)&jpeg, JPOOL_IMAGE,
                                                 (size_t)output->width * 4)
                         : NULL;
    if (four) state->inks = codec_transform_open(state->profile, state->profile_size, 4);
    jpeg_read_rows(&jpeg, output, cmyk);
    finished = true;
  }
  jpeg_destroy_decompress(&jpeg);
  codec_transform_close(state->inks);
  if (finished && !four) codec_apply_profile(output, state->profile, state->profile_size, grey);
  free(state->profile);
  return jpeg_status(state, finished);
}

// The number of bytes before the marker segment in which the file ends, or of all bytes if it ends
// elsewhere.
static size_t jpeg_count_whole_segments(const codec_input *input) {
  const uint8_t *const bytes = input->bytes;
  for (size_t at = 2; at < input->count;) {
    if (bytes[at] == 0xFF && at + 1 == input->count) return at;
    const uint8_t marker = bytes[at] == 0xFF ? bytes[at + 1] : 0;
    const bool is_alone = marker == 0 || marker == 0xFF || (marker >= 0xD0 && marker <= 0xD8);
    if (is_alone) {  // Data of a scan, or a marker without a segment.
      const uint8_t *const next = memchr(bytes + at + 1, 0xFF, input->count - at - 1);
      if (!next) return input->count;
      at = (size_t)(next - bytes);
      continue;
    }
    if (marker == 0xD9) return input->count;
    if (input->count - at < 4) return at;
    const size_t length = (size_t)bytes[at + 2] << 8 | bytes[at + 3];
    if (length > input->count - at - 2) return at;
    at += 2 + length;
  }
  return input->count;
}

codec_status codec_jpeg_decode(codec_input *input, const codec_output *output) {
  jpeg_state state = {.input = input};
  codec_status status = jpeg_decode(input, output, &state);
  if (status != codec_truncated || !state.progressive) return status;
  // The file may end in the tables between two scans.
  const codec_input whole = {input->bytes, jpeg_count_whole_segments(input), input->message};
  if (whole.count == input->count) return status;
  codec_input shorter = whole;
  input->message[0] = 0;
  state = (jpeg_state){.input = &shorter};
  return jpeg_decode(&shorter, output, &state);
}
