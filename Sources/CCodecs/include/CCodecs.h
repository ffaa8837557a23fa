// Debian's picture codecs behind two functions, and JPEG's encoder (jpeg_encode.h). Everything is
// read from memory; every picture comes back as 8-bit RGB over white, as stored (orientation is the
// caller's, except where the format's own library turns the picture itself: HEIF and AVIF).
//
// No function aborts, prints or throws: libraries that fail by longjmp are caught inside.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "jpeg_encode.h"

typedef enum {
  codec_jpeg,
  codec_png,
  codec_webp,
  codec_tiff,
  codec_gif,
  codec_heif,  // HEIF and AVIF
} codec_format;

typedef enum {
  codec_ok,
  codec_truncated,  // the bytes end before the picture does
  codec_corrupt,    // `message` says what is wrong
} codec_status;

/// What the header says. Nothing larger than the header has been allocated to know it.
typedef struct {
  uint32_t width, height;
  uint32_t orientation;  // TIFF's own tag, 1...8; 1 for all other formats
} codec_header;

enum { codec_message_size = 200 };

/// Reads the header of `count` bytes at `bytes`, which are of the named format.
codec_status codec_probe(codec_format format, const uint8_t *bytes, size_t count,
                         codec_header *header, char message[codec_message_size]);

/// Decodes into `rgb`, room for exactly `width * height * 3` bytes, which must be the size that
/// `codec_probe` gave, divided by `reduction`: 1, or for a JPEG 2, 4 or 8 that divides both sides.
/// Where the status is not `codec_ok`, the contents of `rgb` are unspecified.
codec_status codec_decode(codec_format format, const uint8_t *bytes, size_t count,
                          uint32_t reduction, uint32_t width, uint32_t height, uint8_t *rgb,
                          char message[codec_message_size]);
