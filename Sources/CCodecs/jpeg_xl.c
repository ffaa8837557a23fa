// JPEG XL with libjxl: the first frame in 8 bits, already rotated by libjxl.
#include "codecs.h"
#include "colour.h"
#include "library.h"
#include "profile.h"

#include <pthread.h>
#include <stdlib.h>

#include <jxl/decode.h>
#include <jxl/version.h>

#define FUNCTIONS(F)                                                                         \
  F(JxlDecoderCreate) F(JxlDecoderDestroy) F(JxlDecoderSubscribeEvents) F(JxlDecoderSetInput) \
  F(JxlDecoderCloseInput) F(JxlDecoderProcessInput) F(JxlDecoderGetBasicInfo)                \
  F(JxlDecoderSetPreferredColorProfile) F(JxlDecoderGetICCProfileSize)                       \
  F(JxlDecoderGetColorAsICCProfile) F(JxlDecoderImageOutBufferSize)                          \
  F(JxlDecoderSetImageOutBuffer)

static struct {
  FUNCTIONS(CODEC_POINTER)
} library;

static bool is_loaded;

// Versions differ in their functions, so that only that of the header will do.
static const char library_name[] =
    "libjxl.so." CODEC_TEXT(JPEGXL_MAJOR_VERSION) "." CODEC_TEXT(JPEGXL_MINOR_VERSION);

static void load_library(void) {
  const codec_symbol symbols[] = {FUNCTIONS(CODEC_SYMBOL)};
  is_loaded = codec_load(library_name, symbols, sizeof symbols / sizeof *symbols);
}

enum { largest_profile = 16 << 20 };

static const JxlPixelFormat pixel_format = {4, JXL_TYPE_UINT8, JXL_NATIVE_ENDIAN, 0};

typedef struct {
  codec_input *input;
  JxlDecoder *decoder;
  JxlBasicInfo info;
  uint8_t *profile;  // of the pixels, allocated with malloc
  size_t profile_size;
  uint8_t *rgba;
} jxl_state;

static codec_status jxl_fail(const jxl_state *state, const char *text) {
  codec_fail(state->input, "%s", text);
  return codec_corrupt;
}

static codec_status jxl_open(jxl_state *state, int events) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load_library);
  if (!is_loaded) {
    codec_fail(state->input, "the library %s is not installed", library_name);
    return codec_corrupt;
  }
  state->decoder = library.JxlDecoderCreate(NULL);
  if (!state->decoder
      || library.JxlDecoderSubscribeEvents(state->decoder, events) != JXL_DEC_SUCCESS
      || library.JxlDecoderSetInput(state->decoder, state->input->bytes, state->input->count)
             != JXL_DEC_SUCCESS)
    return jxl_fail(state, "the decoder cannot be started");
  library.JxlDecoderCloseInput(state->decoder);
  return codec_ok;
}

static void jxl_close(jxl_state *state) {
  if (state->decoder) library.JxlDecoderDestroy(state->decoder);
  free(state->profile);
  free(state->rgba);
}

// Asks for sRGB, which libjxl gives where it converts colours anyway; else the profile says what the
// pixels are.
static void jxl_choose_colours(jxl_state *state) {
  const JxlColorEncoding srgb = {
      .color_space = state->info.num_color_channels == 1 ? JXL_COLOR_SPACE_GRAY
                                                         : JXL_COLOR_SPACE_RGB,
      .white_point = JXL_WHITE_POINT_D65,
      .primaries = JXL_PRIMARIES_SRGB,
      .transfer_function = JXL_TRANSFER_FUNCTION_SRGB,
      .rendering_intent = JXL_RENDERING_INTENT_RELATIVE};
  library.JxlDecoderSetPreferredColorProfile(state->decoder, &srgb);
#if JPEGXL_NUMERIC_VERSION < JPEGXL_COMPUTE_NUMERIC_VERSION(0, 9, 0)
#define JXL_PROFILE state->decoder, &pixel_format, JXL_COLOR_PROFILE_TARGET_DATA
#else
#define JXL_PROFILE state->decoder, JXL_COLOR_PROFILE_TARGET_DATA
#endif
  size_t size = 0;
  if (library.JxlDecoderGetICCProfileSize(JXL_PROFILE, &size) != JXL_DEC_SUCCESS
      || size > largest_profile || state->profile)
    return;
  state->profile = malloc(size);
  if (state->profile
      && library.JxlDecoderGetColorAsICCProfile(JXL_PROFILE, state->profile, size)
             == JXL_DEC_SUCCESS)
    state->profile_size = size;
}

// Runs the decoder up to `last`. `output`: NULL if only the header is read.
static codec_status jxl_run(jxl_state *state, JxlDecoderStatus last, const codec_output *output) {
  for (;;) {
    const JxlDecoderStatus status = library.JxlDecoderProcessInput(state->decoder);
    switch (status) {
    case JXL_DEC_NEED_MORE_INPUT: return codec_truncated;
    case JXL_DEC_BASIC_INFO:
      if (library.JxlDecoderGetBasicInfo(state->decoder, &state->info) != JXL_DEC_SUCCESS)
        return jxl_fail(state, "the header is damaged");
      if (output
          && (state->info.xsize != output->width || state->info.ysize != output->height))
        return jxl_fail(state, "the size differs from the header read before");
      break;
    case JXL_DEC_COLOR_ENCODING: jxl_choose_colours(state); break;
    case JXL_DEC_NEED_IMAGE_OUT_BUFFER: {
      size_t size = 0;
      if (!output || state->rgba
          || library.JxlDecoderImageOutBufferSize(state->decoder, &pixel_format, &size)
                 != JXL_DEC_SUCCESS
          || size != (size_t)output->width * output->height * 4)
        return jxl_fail(state, "the picture does not have the size given in the header");
      state->rgba = malloc(size);
      if (!state->rgba) return jxl_fail(state, "not enough memory");
      if (library.JxlDecoderSetImageOutBuffer(state->decoder, &pixel_format, state->rgba, size)
          != JXL_DEC_SUCCESS)
        return jxl_fail(state, "the data are damaged");
      break;
    }
    case JXL_DEC_FULL_IMAGE: break;
    default: return jxl_fail(state, "the data are damaged");
    }
    if (status == last) return codec_ok;
  }
}

codec_status codec_jpeg_xl_probe(codec_input *input, codec_header *header) {
  jxl_state state = {.input = input};
  codec_status status = jxl_open(&state, JXL_DEC_BASIC_INFO);
  if (status == codec_ok) status = jxl_run(&state, JXL_DEC_BASIC_INFO, NULL);
  header->width = state.info.xsize;
  header->height = state.info.ysize;
  jxl_close(&state);
  return status;
}

codec_status codec_jpeg_xl_decode(codec_input *input, const codec_output *output) {
  jxl_state state = {.input = input};
  codec_status status =
      jxl_open(&state, JXL_DEC_BASIC_INFO | JXL_DEC_COLOR_ENCODING | JXL_DEC_FULL_IMAGE);
  if (status == codec_ok) status = jxl_run(&state, JXL_DEC_FULL_IMAGE, output);
  if (status == codec_ok && !state.rgba) status = jxl_fail(&state, "the file has no picture");
  if (status == codec_ok) {
    const bool premultiplied = state.info.alpha_premultiplied;
    uint8_t *rgb = output->rgb;
    const uint8_t *next = state.rgba;
    for (size_t i = (size_t)output->width * output->height; i > 0; i--, rgb += 3, next += 4)
      for (int c = 0; c < 3; c++)
        rgb[c] = over_white(premultiplied ? unpremultiplied(next[c], next[3]) : next[c], next[3]);
    codec_apply_profile(output, state.profile, state.profile_size,
                        state.info.num_color_channels == 1);
  }
  jxl_close(&state);
  return status;
}
