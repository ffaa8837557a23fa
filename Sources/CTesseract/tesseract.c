#include "CTesseract.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <tesseract/capi.h>

static const char *const library_name = "libtesseract.so.5";
static const char *const language = "eng";

// Text is small against the picture and tells nothing of its resolution; without one, Tesseract guesses.
static const int resolution = 150;

#define FUNCTIONS(F)                                                                              \
  F(TessBaseAPICreate)                                                                            \
  F(TessBaseAPIInit2)                                                                             \
  F(TessBaseAPISetPageSegMode)                                                                    \
  F(TessBaseAPISetImage)                                                                          \
  F(TessBaseAPISetSourceResolution)                                                               \
  F(TessBaseAPIRecognize)                                                                         \
  F(TessBaseAPIGetIterator)                                                                       \
  F(TessBaseAPIClear)                                                                             \
  F(TessResultIteratorGetUTF8Text)                                                                \
  F(TessResultIteratorConfidence)                                                                 \
  F(TessResultIteratorNext)                                                                       \
  F(TessResultIteratorDelete)                                                                     \
  F(TessDeleteText)

#define POINTER(function) __typeof__(&function) function;
static struct { FUNCTIONS(POINTER) } library;

#define SYMBOL(function) {#function, &library.function},
static const struct {
  const char *name;
  void *target;
} symbols[] = {FUNCTIONS(SYMBOL)};

static TessBaseAPI *reader;

static bool load_library(void) {
  // Read by OpenMP when it is loaded with the library.
  setenv("OMP_THREAD_LIMIT", "1", 1);
  void *const handle = dlopen(library_name, RTLD_NOW | RTLD_LOCAL);
  if (!handle) return false;
  for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
    void *const symbol = dlsym(handle, symbols[i].name);
    if (!symbol) return false;
    // The assignment that POSIX suggests for pointers to functions.
    *(void **)symbols[i].target = symbol;
  }
  return true;
}

static text_reader_status start(void) {
  if (!load_library()) return text_reader_no_library;
  TessBaseAPI *const api = library.TessBaseAPICreate();
  if (!api) return text_reader_no_library;
  // One that fails is not tried again, and so never freed.
  if (library.TessBaseAPIInit2(api, NULL, language, OEM_LSTM_ONLY) != 0) {
    return text_reader_no_language;
  }
  library.TessBaseAPISetPageSegMode(api, PSM_SPARSE_TEXT);
  reader = api;
  return text_reader_ready;
}

text_reader_status text_reader_start(void) {
  static bool is_started;
  static text_reader_status status;
  if (!is_started) status = start();
  is_started = true;
  return status;
}

bool text_reader_read(const uint8_t *grey, int width, int height, text_reader_word take, void *context) {
  if (!reader) return false;
  library.TessBaseAPISetImage(reader, grey, width, height, 1, width);
  library.TessBaseAPISetSourceResolution(reader, resolution);
  const bool is_read = library.TessBaseAPIRecognize(reader, NULL) == 0;
  TessResultIterator *const words = is_read ? library.TessBaseAPIGetIterator(reader) : NULL;
  if (words) {
    do {
      char *const word = library.TessResultIteratorGetUTF8Text(words, RIL_WORD);
      if (!word) continue;
      take(context, word, library.TessResultIteratorConfidence(words, RIL_WORD));
      library.TessDeleteText(word);
    } while (library.TessResultIteratorNext(words, RIL_WORD));
    library.TessResultIteratorDelete(words);
  }
  library.TessBaseAPIClear(reader);
  return is_read;
}
