// The few calls of libtesseract that blip needs. The library is loaded when text is to be read for the
// first time, so that other runs of the program start without it.
//
// Not safe to call from several threads at once.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
  text_reader_ready,
  text_reader_no_library,   // libtesseract is not installed
  text_reader_no_language,  // the file of the language is not installed
} text_reader_status;

/// Loads the library and the language (English) once, for one thread of computation: other pictures are
/// read at the same time. Sets OMP_THREAD_LIMIT in the environment of this process.
text_reader_status text_reader_start(void);

/// Called with a word in UTF-8 and how sure it is, 0 to 100.
typedef void (*text_reader_word)(void *context, const char *word, float confidence);

/// Reads the words of a picture of `width * height` grey pixels, anywhere in it and in no particular order.
/// Needs text_reader_start. Returns false if that failed.
bool text_reader_read(const uint8_t *grey, int width, int height, text_reader_word take, void *context);
