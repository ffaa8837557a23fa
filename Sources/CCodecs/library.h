// Libraries that few pictures need: each is loaded when the first of them is decoded, so that no
// other run of the program pays for it.
//
//   #define FUNCTIONS(F) F(first) F(second)
//   static struct { FUNCTIONS(CODEC_POINTER) } library;
//   static const codec_symbol symbols[] = {FUNCTIONS(CODEC_SYMBOL)};
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef struct {
  const char *name;
  void *target;  // of the pointer to the function
} codec_symbol;

#define CODEC_POINTER(function) __typeof__(&function) function;
#define CODEC_SYMBOL(function) {#function, &library.function},
#define CODEC_TEXT_OF(value) #value
#define CODEC_TEXT(value) CODEC_TEXT_OF(value)

// Loads a library and fills in the pointers; false if it is not installed. It stays loaded.
bool codec_load(const char *name, const codec_symbol *symbols, size_t count);
