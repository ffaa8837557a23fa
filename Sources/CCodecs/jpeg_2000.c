// JPEG 2000 with OpenJPEG: files (JP2) and bare codestreams, of grey, RGB, YCC or CMYK with or
// without alpha; components may have fewer samples than the picture has pixels.
#include "codecs.h"
#include "colour.h"
#include "library.h"
#include "profile.h"

#include <pthread.h>

#if __has_include(<openjpeg-2.5/openjpeg.h>)
#include <openjpeg-2.5/openjpeg.h>
#else
#include <openjpeg-2.4/openjpeg.h>
#endif

#define FUNCTIONS(F)                                                                         \
  F(opj_create_decompress) F(opj_setup_decoder) F(opj_set_default_decoder_parameters)        \
  F(opj_set_error_handler) F(opj_set_warning_handler) F(opj_set_info_handler)                \
  F(opj_read_header) F(opj_decode)                                                           \
  F(opj_end_decompress) F(opj_destroy_codec) F(opj_image_destroy)                            \
  F(opj_stream_default_create) F(opj_stream_destroy) F(opj_stream_set_user_data)             \
  F(opj_stream_set_user_data_length) F(opj_stream_set_read_function)                         \
  F(opj_stream_set_skip_function) F(opj_stream_set_seek_function)

static struct {
  FUNCTIONS(CODEC_POINTER)
} library;

static bool is_loaded;
static const char library_name[] = "libopenjp2.so.7";

static void load_library(void) {
  const codec_symbol symbols[] = {FUNCTIONS(CODEC_SYMBOL)};
  is_loaded = codec_load(library_name, symbols, sizeof symbols / sizeof *symbols);
}

enum { most_components = 5 };

typedef struct {
  codec_input *input;
  size_t offset;
  opj_stream_t *stream;
  opj_codec_t *codec;
  opj_image_t *image;
} jp2_state;

static OPJ_SIZE_T jp2_take(void *target, OPJ_SIZE_T count, void *user) {
  jp2_state *const state = user;
  const size_t left = state->input->count - state->offset;
  const size_t taken = count < left ? count : left;
  if (taken == 0) return (OPJ_SIZE_T)-1;
  memcpy(target, state->input->bytes + state->offset, taken);
  state->offset += taken;
  return taken;
}

static OPJ_OFF_T jp2_skip(OPJ_OFF_T count, void *user) {
  jp2_state *const state = user;
  if (count < 0 || (uint64_t)count > state->input->count - state->offset) return -1;
  state->offset += (size_t)count;
  return count;
}

static OPJ_BOOL jp2_seek(OPJ_OFF_T offset, void *user) {
  jp2_state *const state = user;
  if (offset < 0 || (uint64_t)offset > state->input->count) return OPJ_FALSE;
  state->offset = (size_t)offset;
  return OPJ_TRUE;
}

static void jp2_note(const char *text, void *user) {
  jp2_state *const state = user;
  codec_fail(state->input, "%.*s", (int)strcspn(text, "\n"), text);
}

static void jp2_be_silent(const char *text, void *user) {}

static codec_status jp2_fail(const jp2_state *state, const char *text) {
  codec_fail(state->input, "%s", text);
  return codec_corrupt;
}

static codec_status jp2_open(jp2_state *state) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load_library);
  if (!is_loaded) {
    codec_fail(state->input, "the library %s is not installed", library_name);
    return codec_corrupt;
  }
  const bool is_bare = state->input->bytes[0] == 0xFF;
  state->codec = library.opj_create_decompress(is_bare ? OPJ_CODEC_J2K : OPJ_CODEC_JP2);
  state->stream = library.opj_stream_default_create(OPJ_TRUE);
  if (!state->codec || !state->stream) return jp2_fail(state, "not enough memory");
  library.opj_set_error_handler(state->codec, jp2_note, state);
  library.opj_set_warning_handler(state->codec, jp2_be_silent, NULL);
  library.opj_set_info_handler(state->codec, jp2_be_silent, NULL);
  library.opj_stream_set_user_data(state->stream, state, NULL);
  library.opj_stream_set_user_data_length(state->stream, state->input->count);
  library.opj_stream_set_read_function(state->stream, jp2_take);
  library.opj_stream_set_skip_function(state->stream, jp2_skip);
  library.opj_stream_set_seek_function(state->stream, jp2_seek);
  opj_dparameters_t parameters;
  library.opj_set_default_decoder_parameters(&parameters);
  if (!library.opj_setup_decoder(state->codec, &parameters)
      || !library.opj_read_header(state->stream, state->codec, &state->image) || !state->image)
    return jp2_fail(state, "the header is damaged");
  const opj_image_t *const image = state->image;
  if (image->x1 <= image->x0 || image->y1 <= image->y0 || image->numcomps == 0)
    return jp2_fail(state, "the picture has no pixels");
  // Each takes as much memory as the entire picture.
  if (image->numcomps > most_components) return jp2_fail(state, "more than 5 components");
  return codec_ok;
}

static void jp2_close(jp2_state *state) {
  if (state->image) library.opj_image_destroy(state->image);
  if (state->stream) library.opj_stream_destroy(state->stream);
  if (state->codec) library.opj_destroy_codec(state->codec);
}

codec_status codec_jpeg_2000_probe(codec_input *input, codec_header *header) {
  jp2_state state = {.input = input};
  const codec_status status = jp2_open(&state);
  if (status == codec_ok) {
    header->width = state.image->x1 - state.image->x0;
    header->height = state.image->y1 - state.image->y0;
  }
  jp2_close(&state);
  return status;
}

// The first components, each with its columns and how it becomes 8 bits.
typedef struct {
  const opj_image_t *image;
  uint32_t colours;  // 1, 3 or 4
  bool alpha, ycc;
} jp2_layout;

// Of the high bits, or spread over 0 to 255.
static uint8_t jp2_sample(const opj_image_comp_t *component, int32_t value) {
  const uint32_t bits = component->prec;
  int64_t sample = value;
  if (component->sgnd) sample += (int64_t)1 << (bits - 1);
  const int64_t most = ((int64_t)1 << bits) - 1;
  if (sample < 0) sample = 0;
  if (sample > most) sample = most;
  return (uint8_t)(bits >= 8 ? sample >> (bits - 8) : sample * 255 / most);
}

static bool jp2_read_layout(const opj_image_t *image, jp2_layout *layout) {
  *layout = (jp2_layout){.image = image};
  const uint32_t count = image->numcomps;
  if (count > most_components) return false;
  for (uint32_t i = 0; i < count; i++) {
    const opj_image_comp_t *const component = &image->comps[i];
    if (!component->data || component->w == 0 || component->h == 0 || component->prec == 0
        || component->prec > 31)
      return false;
  }
  if (count == 4 && image->color_space == OPJ_CLRSPC_CMYK) {
    layout->colours = 4;
  } else {
    layout->colours = count >= 3 ? 3 : 1;
  }
  layout->alpha = count > layout->colours
                  && (image->comps[layout->colours].alpha || layout->colours != 4);
  const bool subsampled = layout->colours == 3 && image->comps[1].dx > image->comps[0].dx;
  layout->ycc = layout->colours == 3
                && (image->color_space == OPJ_CLRSPC_SYCC || image->color_space == OPJ_CLRSPC_EYCC
                    || subsampled);
  return true;
}

static uint8_t clamped(double value) {
  return value < 0 ? 0 : value > 255 ? 255 : (uint8_t)(value + 0.5);
}

static void ycc_to_rgb(uint8_t *rgb) {
  const double y = rgb[0], cb = rgb[1] - 128.0, cr = rgb[2] - 128.0;
  rgb[0] = clamped(y + 1.402 * cr);
  rgb[1] = clamped(y - 0.344136 * cb - 0.714136 * cr);
  rgb[2] = clamped(y + 1.772 * cb);
}

static void jp2_convert(const jp2_layout *layout, const codec_output *output,
                        codec_transform inks) {
  const uint32_t channels = layout->colours + layout->alpha;
  for (uint32_t y = 0; y < output->height; y++) {
    uint8_t *rgb = codec_row(output, y);
    for (uint32_t x = 0; x < output->width; x++, rgb += 3) {
      uint8_t samples[most_components];
      for (uint32_t i = 0; i < channels; i++) {
        const opj_image_comp_t *const component = &layout->image->comps[i];
        const uint64_t column = (uint64_t)x * component->w / output->width;
        const uint64_t row = (uint64_t)y * component->h / output->height;
        samples[i] = jp2_sample(component, component->data[row * component->w + column]);
      }
      if (layout->colours == 1) {
        rgb[0] = rgb[1] = rgb[2] = samples[0];
      } else if (layout->colours == 3) {
        memcpy(rgb, samples, 3);
        if (layout->ycc) ycc_to_rgb(rgb);
      } else if (inks.handle) {
        codec_transform_row(inks, samples, rgb, 1);
      } else {
        cmyk_to_rgb(rgb, samples[0], samples[1], samples[2], samples[3]);
      }
      if (!layout->alpha) continue;
      const uint8_t alpha = samples[layout->colours];
      for (int c = 0; c < 3; c++) rgb[c] = over_white(rgb[c], alpha);
    }
  }
}

codec_status codec_jpeg_2000_decode(codec_input *input, const codec_output *output) {
  jp2_state state = {.input = input};
  codec_status status = jp2_open(&state);
  jp2_layout layout;
  if (status == codec_ok
      && (state.image->x1 - state.image->x0 != output->width
          || state.image->y1 - state.image->y0 != output->height
          || !library.opj_decode(state.codec, state.stream, state.image)
          || !library.opj_end_decompress(state.codec, state.stream)
          || !jp2_read_layout(state.image, &layout)))
    status = jp2_fail(&state, "the data are damaged");
  if (status == codec_ok) {
    const uint8_t *const profile = state.image->icc_profile_buf;
    const size_t size = profile ? state.image->icc_profile_len : 0;
    const bool has_inks = layout.colours == 4;
    const codec_transform inks =
        has_inks ? codec_transform_open(profile, size, 4) : (codec_transform){0};
    jp2_convert(&layout, output, inks);
    codec_transform_close(inks);
    if (!has_inks) codec_apply_profile(output, profile, size, layout.colours == 1);
  }
  jp2_close(&state);
  return status;
}
