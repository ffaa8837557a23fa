// JPEG with libjpeg-turbo, with Pillow's settings (accurate integer DCT, fancy upsampling).
//
// A file is truncated if it ends while the decoder still needs data for the picture. A file that
// lacks only its end marker is decoded (except a progressive one, which may lack scans). Damage
// that the decoder can skip (stray bytes between markers, an invalid code) is tolerated, as in
// Pillow.
#include "codecs.h"
#include "colour.h"

#include <setjmp.h>
#include <stdbool.h>
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
} jpeg_state;

static void jpeg_fail(j_common_ptr common) {
  jpeg_state *state = common->client_data;
  char text[JMSG_LENGTH_MAX];
  common->err->format_message(common, text);
  codec_fail(state->input, "%s", text);
  longjmp(state->failed, 1);
}

static void jpeg_warn(j_common_ptr common, int level) {
  jpeg_state *state = common->client_data;
  if (level < 0 && common->err->msg_code == JWRN_HIT_MARKER && state->ended) {
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

static void jpeg_open(struct jpeg_decompress_struct *jpeg, jpeg_state *state) {
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
  jpeg_read_header(jpeg, TRUE);
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
    jpeg_open(&jpeg, &state);
    header->width = jpeg.image_width;
    header->height = jpeg.image_height;
    finished = true;
  }
  jpeg_destroy_decompress(&jpeg);
  return jpeg_status(&state, finished);
}

static void jpeg_read_rows(struct jpeg_decompress_struct *jpeg, const codec_output *output,
                           uint8_t *cmyk) {
  while (jpeg->output_scanline < jpeg->output_height) {
    uint8_t *rgb = codec_row(output, jpeg->output_scanline);
    JSAMPROW row = cmyk ? cmyk : rgb;
    jpeg_read_scanlines(jpeg, &row, 1);
    if (!cmyk) continue;
    // Four-component JPEGs are stored inverted, as by Adobe; Pillow assumes this of all of them.
    for (uint32_t x = 0; x < output->width; x++, row += 4, rgb += 3)
      cmyk_to_rgb(rgb, 255 - row[0], 255 - row[1], 255 - row[2], 255 - row[3]);
  }
}

codec_status codec_jpeg_decode(codec_input *input, const codec_output *output) {
  jpeg_state state = {.input = input};
  struct jpeg_decompress_struct jpeg = {.err = jpeg_std_error(&state.errors),
                                        .client_data = &state};
  volatile bool finished = false;
  if (setjmp(state.failed) == 0) {
    jpeg_open(&jpeg, &state);
    bool four = jpeg.num_components == 4;
    jpeg.out_color_space = four ? JCS_CMYK : JCS_RGB;
    jpeg.scale_num = 8 / output->reduction;
    jpeg.scale_denom = 8;
    jpeg_start_decompress(&jpeg);
    if (jpeg.output_width != output->width || jpeg.output_height != output->height) {
      codec_fail(input, "the size differs from the header read before");
      longjmp(state.failed, 1);
    }
    // Later scans refine the entire picture, so all of them must be present.
    if (state.ended && jpeg_has_multiple_scans(&jpeg)) {
      state.truncated = true;
      longjmp(state.failed, 1);
    }
    // libjpeg frees its pools itself in every case.
    uint8_t *cmyk = four ? jpeg.mem->alloc_large((j_common_ptr)&jpeg, JPOOL_IMAGE,
                                                 (size_t)output->width * 4)
                         : NULL;
    jpeg_read_rows(&jpeg, output, cmyk);
    finished = true;
  }
  jpeg_destroy_decompress(&jpeg);
  return jpeg_status(&state, finished);
}
