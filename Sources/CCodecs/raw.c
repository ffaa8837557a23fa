// RAW files of cameras with LibRaw: the preview that the camera has made, if it is large enough, else
// the sensor's data at half size. A file that only looks like one of a camera (a DNG that is an
// ordinary TIFF) is read as TIFF.
#include "codecs.h"
#include "library.h"

#include <dlfcn.h>
#include <pthread.h>

#include <libraw/libraw.h>

#define FUNCTIONS(F)                                                                         \
  F(libraw_init) F(libraw_open_buffer) F(libraw_unpack) F(libraw_unpack_thumb)               \
  F(libraw_dcraw_process) F(libraw_dcraw_make_mem_image) F(libraw_dcraw_clear_mem)           \
  F(libraw_close) F(libraw_strerror)

static struct {
  FUNCTIONS(CODEC_POINTER)
} library;

static bool is_loaded;
static const char library_name[] = "libraw_r.so." CODEC_TEXT(LIBRAW_SHLIB_CURRENT);

static void load_library(void) {
  const codec_symbol symbols[] = {FUNCTIONS(CODEC_SYMBOL)};
  is_loaded = codec_load(library_name, symbols, sizeof symbols / sizeof *symbols);
}

// The shorter side of a preview that shows as much as a model sees, twice over.
enum { smallest_preview = 768 };
enum { largest_memory = 1024 };  // MB, of the sensor's data

typedef struct {
  codec_input *input;
  libraw_data_t *raw;
  // The preview, a JPEG; NULL where the sensor's data are read.
  const uint8_t *preview;
  size_t preview_size;
  codec_header header;
} raw_state;

static codec_status raw_fail(const raw_state *state, int error) {
  codec_fail(state->input, "%s", library.libraw_strerror(error));
  return error == LIBRAW_IO_ERROR ? codec_truncated : codec_corrupt;
}

// TIFF's orientation of LibRaw's.
static uint32_t raw_orientation(int flip) {
  switch (flip) {
  case 3: return 3;
  case 5: return 8;
  case 6: return 6;
  default: return 1;
  }
}

static uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }

// Takes the preview if it is a JPEG of at least `side` pixels.
static bool raw_take_preview(raw_state *state, uint32_t side) {
  const libraw_thumbnail_t *const thumbnail = &state->raw->thumbnail;
  if (library.libraw_unpack_thumb(state->raw) != LIBRAW_SUCCESS
      || thumbnail->tformat != LIBRAW_THUMBNAIL_JPEG || !thumbnail->thumb)
    return false;
  char message[codec_message_size] = "";
  codec_input preview = {(const uint8_t *)thumbnail->thumb, thumbnail->tlength, message};
  codec_header header = {.orientation = 1};
  if (preview.count < 4 || codec_jpeg_probe(&preview, &header) != codec_ok
      || smaller(header.width, header.height) < side)
    return false;
  state->preview = preview.bytes;
  state->preview_size = preview.count;
  state->header = header;
  return true;
}

// Opens the file and chooses; `*is_camera` is false where LibRaw does not know it.
static codec_status raw_open(raw_state *state, bool *is_camera) {
  *is_camera = true;
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load_library);
  if (!is_loaded) {
    codec_fail(state->input, "the library %s is not installed", library_name);
    return codec_corrupt;
  }
  state->raw = library.libraw_init(0);
  if (!state->raw) return raw_fail(state, LIBRAW_UNSUFFICIENT_MEMORY);
  libraw_output_params_t *const params = &state->raw->params;
  params->half_size = 1;
  params->output_bps = 8;
  params->use_camera_wb = 1;
  params->user_flip = 0;
  params->use_fuji_rotate = 0;
#if LIBRAW_VERSION < LIBRAW_MAKE_VERSION(0, 21, 0)
  params->max_raw_memory_mb = largest_memory;
#else
  state->raw->rawparams.max_raw_memory_mb = largest_memory;
#endif
  // LibRaw only reads the buffer.
  const int error =
      library.libraw_open_buffer(state->raw, (void *)state->input->bytes, state->input->count);
  if (error != LIBRAW_SUCCESS) {
    *is_camera = error != LIBRAW_FILE_UNSUPPORTED;
    return raw_fail(state, error);
  }
  const libraw_image_sizes_t *const sizes = &state->raw->sizes;
  // LibRaw halves only what has one colour for each pixel.
  const uint32_t shrink = state->raw->idata.filters ? 1 : 0;
  const uint32_t width = (sizes->width + shrink) >> shrink;
  const uint32_t height = (sizes->height + shrink) >> shrink;
  const uint32_t orientation = raw_orientation(sizes->flip);
  if (raw_take_preview(state, smaller(smallest_preview, smaller(width, height)))) {
    const bool is_upright = orientation > 4
                            && (state->header.width < state->header.height)
                                   != (sizes->width < sizes->height);
    state->header.orientation = is_upright ? 1 : orientation;
    return codec_ok;
  }
  state->header = (codec_header){width, height, orientation, false};
  return codec_ok;
}

static void raw_close(raw_state *state) {
  if (state->raw) library.libraw_close(state->raw);
}

static bool raw_is_tiff(const codec_input *input) {
  const uint8_t *const b = input->bytes;
  return input->count > 8
         && (memcmp(b, "II*\0", 4) == 0 || memcmp(b, "MM\0*", 4) == 0);
}

codec_status codec_raw_probe(codec_input *input, codec_header *header) {
  raw_state state = {.input = input};
  bool is_camera;
  const codec_status status = raw_open(&state, &is_camera);
  raw_close(&state);
  *header = state.header;
  if (is_camera || !raw_is_tiff(input)) return status;
  input->message[0] = 0;
  return codec_tiff_probe(input, header);
}

// LibRaw's loops run on all cores, which other pictures need. The setting is of the calling thread.
static void use_one_thread(void) {
  void *const handle = dlopen("libgomp.so.1", RTLD_LAZY | RTLD_NOLOAD);
  void (*set_threads)(int) = NULL;
  if (handle) *(void **)&set_threads = dlsym(handle, "omp_set_num_threads");
  if (set_threads) set_threads(1);
  if (handle) dlclose(handle);
}

// Puts the sensor's data together.
static codec_status raw_develop(raw_state *state, const codec_output *output) {
  use_one_thread();
  int error = library.libraw_unpack(state->raw);
  if (error == LIBRAW_SUCCESS) error = library.libraw_dcraw_process(state->raw);
  if (error != LIBRAW_SUCCESS) return raw_fail(state, error);
  libraw_processed_image_t *const image = library.libraw_dcraw_make_mem_image(state->raw, &error);
  if (!image) return raw_fail(state, error);
  const bool fits = image->type == LIBRAW_IMAGE_BITMAP && image->bits == 8
                    && (image->colors == 1 || image->colors == 3)
                    && image->width == output->width && image->height == output->height
                    && image->data_size
                           >= (size_t)image->width * image->height * image->colors;
  for (uint32_t y = 0; fits && y < output->height; y++) {
    const uint8_t *const row = image->data + (size_t)y * image->width * image->colors;
    uint8_t *const rgb = codec_row(output, y);
    if (image->colors == 3) {
      memcpy(rgb, row, (size_t)output->width * 3);
    } else {
      for (uint32_t x = 0; x < output->width; x++) memset(rgb + (size_t)x * 3, row[x], 3);
    }
  }
  library.libraw_dcraw_clear_mem(image);
  if (fits) return codec_ok;
  codec_fail(state->input, "the picture does not have the size given in the header");
  return codec_corrupt;
}

codec_status codec_raw_decode(codec_input *input, const codec_output *output) {
  raw_state state = {.input = input};
  bool is_camera;
  codec_status status = raw_open(&state, &is_camera);
  if (status == codec_ok && state.preview) {
    codec_input preview = {state.preview, state.preview_size, input->message};
    status = codec_jpeg_decode(&preview, output);
  } else if (status == codec_ok) {
    status = raw_develop(&state, output);
  }
  raw_close(&state);
  if (is_camera || !raw_is_tiff(input)) return status;
  input->message[0] = 0;
  return codec_tiff_decode(input, output);
}
