// A common interface to Debian's image codecs, and encoders (jpeg_encode.h, png_encode.h,
// webp_encode.h). Files are read from memory; pictures are returned as 8-bit sRGB over white, as stored
// (the caller applies the orientation, except for HEIF, AVIF and JPEG XL, whose libraries do). Colours
// are converted by the ICC profile of a file if liblcms2 is installed.
//
// No function aborts, prints or jumps out: a library's longjmp on failure is caught inside.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jpeg_encode.h"
#include "png_encode.h"
#include "webp_encode.h"

typedef enum {
  codec_jpeg,
  codec_png,
  codec_webp,
  codec_tiff,
  codec_gif,
  codec_heif,  // HEIF and AVIF
  codec_bmp,
  codec_jpeg_xl,    // with libjxl, loaded when needed
  codec_jpeg_2000,  // with OpenJPEG, loaded when needed
  codec_raw,        // of cameras, with LibRaw, loaded when needed
} codec_format;

typedef enum {
  codec_ok,
  codec_truncated,  // the file ends before the picture is complete
  codec_corrupt,    // damaged or unsupported; see `message`
} codec_status;

/// The properties in a file's header. Reading them allocates nothing larger than the header.
typedef struct {
  uint32_t width, height;
  uint32_t orientation;  // as TIFF's orientation tag, 1...8; of TIFF and RAW only, else 1
  bool reducible;        // the picture is a JPEG, so that codec_decode may reduce it
} codec_header;

enum { codec_message_size = 200 };

/// Reads the header of a file of `count` bytes in the given format.
codec_status codec_probe(codec_format format, const uint8_t *bytes, size_t count,
                         codec_header *header, char message[codec_message_size]);

/// Decodes into `rgb`, a buffer of exactly `width * height * 3` bytes. The size must be that
/// returned by `codec_probe`, divided by `reduction`: 1, or if it is reducible a divisor 2, 4 or 8 of
/// both sides. If the status is not `codec_ok`, the contents of `rgb` are unspecified.
codec_status codec_decode(codec_format format, const uint8_t *bytes, size_t count,
                          uint32_t reduction, uint32_t width, uint32_t height, uint8_t *rgb,
                          char message[codec_message_size]);
