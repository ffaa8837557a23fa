#include "tiff_file.h"

#include <stdarg.h>

// More than a scanner's feeder holds.
enum { maximum_pages = 512 };

static tmsize_t tiff_take(thandle_t handle, void *target, tmsize_t count) {
  tiff_state *state = handle;
  uint64_t size = state->input->count;
  uint64_t left = state->offset < size ? size - state->offset : 0;
  uint64_t taken = (uint64_t)count <= left ? (uint64_t)count : left;
  if (taken < (uint64_t)count) state->ended = true;
  if (taken) memcpy(target, state->input->bytes + state->offset, taken);
  state->offset += taken;
  return (tmsize_t)taken;
}

static tmsize_t tiff_give(thandle_t handle, void *bytes, tmsize_t count) { return -1; }

static toff_t tiff_seek(thandle_t handle, toff_t offset, int whence) {
  tiff_state *state = handle;
  if (whence == SEEK_CUR) offset += state->offset;
  if (whence == SEEK_END) offset += state->input->count;
  return state->offset = offset;
}

static int tiff_close(thandle_t handle) { return 0; }

static toff_t tiff_size(thandle_t handle) { return ((tiff_state *)handle)->input->count; }

static int tiff_note(TIFF *tiff, void *user, const char *module, const char *format, va_list list) {
  tiff_state *state = user;
  if (!state->input->message[0]) vsnprintf(state->input->message, codec_message_size, format, list);
  return 1;
}

static int tiff_be_silent(TIFF *tiff, void *user, const char *module, const char *format,
                          va_list list) {
  return 1;
}

static TIFF *tiff_open_file(tiff_state *state) {
  TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
  if (!options) return NULL;
  TIFFOpenOptionsSetMaxSingleMemAlloc(options, tiff_maximum_allocation);
  TIFFOpenOptionsSetErrorHandlerExtR(options, tiff_note, state);
  TIFFOpenOptionsSetWarningHandlerExtR(options, tiff_be_silent, state);
  // "m": no memory map, so that every read goes through tiff_take.
  TIFF *tiff = TIFFClientOpenExt("picture", "rm", state, tiff_take, tiff_give, tiff_seek,
                                 tiff_close, tiff_size, NULL, NULL, options);
  TIFFOpenOptionsFree(options);
  return tiff;
}

// What a directory says of its picture.
typedef struct {
  uint64_t area;
  bool is_minor;  // a reduced version of another picture, or a mask
} tiff_page;

static tiff_page tiff_read_page(TIFF *tiff) {
  uint32_t width = 0, height = 0, kind = 0;
  uint16_t old_kind = 0;
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height);
  TIFFGetField(tiff, TIFFTAG_SUBFILETYPE, &kind);
  const bool is_old = TIFFGetField(tiff, TIFFTAG_OSUBFILETYPE, &old_kind) == 1;
  const bool is_minor = kind & (FILETYPE_REDUCEDIMAGE | FILETYPE_MASK)
                        || (is_old && old_kind == OFILETYPE_REDUCEDIMAGE);
  return (tiff_page){(uint64_t)width * height, is_minor};
}

// Goes to the first page that is no thumbnail: it is not marked as one and has at least half the
// pixels of the largest page. (Pages of a document differ by a little, and the first is its face.)
static bool tiff_choose_page(TIFF *tiff, tiff_state *state) {
  tiff_page pages[maximum_pages];
  int count = 0;
  pages[count++] = tiff_read_page(tiff);
  if (TIFFLastDirectory(tiff)) return true;
  while (count < maximum_pages && !TIFFLastDirectory(tiff) && TIFFReadDirectory(tiff) == 1)
    pages[count++] = tiff_read_page(tiff);
  bool all_are_minor = true;
  for (int i = 0; i < count; i++) all_are_minor = all_are_minor && pages[i].is_minor;
  // A file that ends after its thumbnail has lost the picture.
  if (all_are_minor && state->ended) return false;
  uint64_t largest = 0;
  for (int i = 0; i < count; i++)
    if ((all_are_minor || !pages[i].is_minor) && pages[i].area > largest) largest = pages[i].area;
  int chosen = 0;
  while (chosen < count - 1
         && ((!all_are_minor && pages[chosen].is_minor) || pages[chosen].area < (largest + 1) / 2))
    chosen++;
  // Later directories that are damaged or lacking are of no concern.
  state->ended = false;
  state->input->message[0] = 0;
  return TIFFSetDirectory(tiff, (tdir_t)chosen) == 1;
}

TIFF *tiff_open(tiff_state *state) {
  TIFF *const tiff = tiff_open_file(state);
  if (!tiff || state->ended || tiff_choose_page(tiff, state)) return tiff;
  TIFFClose(tiff);
  return NULL;
}

codec_status tiff_failure(const tiff_state *state) {
  if (state->ended) return codec_truncated;
  codec_fail(state->input, "the data are damaged");
  return codec_corrupt;
}
