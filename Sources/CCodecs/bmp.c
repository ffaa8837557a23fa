// BMP of Windows and OS/2: 1, 2, 4 and 8 bits with a palette, 16, 24 and 32 bits with or without
// masks, and run lengths of 4 and 8 bits. No library of Debian reads the format; everything is
// checked before it is used.
#include "codecs.h"
#include "colour.h"

#include <stdbool.h>

enum { file_header_size = 14, core_header_size = 12 };
enum { uncompressed = 0, run_lengths_8 = 1, run_lengths_4 = 2, with_masks = 3, with_alpha_mask = 6 };

typedef struct {
  uint32_t width, height, bits, compression;
  bool top_down;
  uint32_t masks[4];  // of red, green, blue and alpha in a pixel of 16 or 32 bits
  size_t pixels;      // the offset of the first row
  uint8_t palette[256][3];
} bmp_layout;

static uint32_t little_endian(const uint8_t *bytes, int count) {
  uint32_t value = 0;
  for (int i = count; i > 0; i--) value = value << 8 | bytes[i - 1];
  return value;
}

static codec_status bmp_fail(codec_input *input, const char *text) {
  codec_fail(input, "%s", text);
  return codec_corrupt;
}

// Width, height and kind of pixels; returns the size of the header behind the file header, or 0.
static uint32_t bmp_read_sizes(const codec_input *input, bmp_layout *layout) {
  const uint8_t *const header = input->bytes + file_header_size;
  const uint32_t size = little_endian(header, 4);
  if (size > input->count - file_header_size) return 0;
  if (size == core_header_size) {
    layout->width = little_endian(header + 4, 2);
    layout->height = little_endian(header + 6, 2);
    layout->bits = little_endian(header + 10, 2);
    return size;
  }
  if (size < 16) return 0;
  const int32_t width = (int32_t)little_endian(header + 4, 4);
  const int32_t height = (int32_t)little_endian(header + 8, 4);
  if (width < 0 || height == INT32_MIN) return 0;
  layout->width = (uint32_t)width;
  layout->top_down = height < 0;
  layout->height = (uint32_t)(height < 0 ? -height : height);
  layout->bits = little_endian(header + 14, 2);
  if (size >= 20) layout->compression = little_endian(header + 16, 4);
  return size;
}

static codec_status bmp_read_layout(codec_input *input, bmp_layout *layout) {
  if (input->count < file_header_size + core_header_size) return codec_truncated;
  const uint32_t size = bmp_read_sizes(input, layout);
  if (size == 0) return bmp_fail(input, "the header is damaged");
  const uint8_t *const header = input->bytes + file_header_size;
  const size_t limit = input->count - file_header_size;  // of offsets in `header`
  size_t at = size;                                      // behind the header and the masks
  const bool masked = layout->compression == with_masks || layout->compression == with_alpha_mask;
  if (masked && layout->bits != 16 && layout->bits != 32)
    return bmp_fail(input, "the header is damaged");
  if (masked) {
    // In the header if that is long enough, else behind it.
    const int count = layout->compression == with_alpha_mask || size >= 56 ? 4 : 3;
    if (size < 52) at += (size_t)count * 4;
    if (limit < 40 + (size_t)count * 4) return codec_truncated;
    for (int i = 0; i < count; i++) layout->masks[i] = little_endian(header + 40 + i * 4, 4);
  } else if (layout->bits == 16) {
    memcpy(layout->masks, (uint32_t[]){0x7C00, 0x3E0, 0x1F, 0}, sizeof layout->masks);
  } else if (layout->bits == 32) {
    memcpy(layout->masks, (uint32_t[]){0xFF0000, 0xFF00, 0xFF, 0}, sizeof layout->masks);
  }
  layout->pixels = little_endian(input->bytes + 10, 4);
  if (layout->bits <= 8) {
    const uint32_t entry = size == core_header_size ? 3 : 4;
    uint32_t count = size >= 36 ? little_endian(header + 32, 4) : 0;
    if (count == 0 || count > 1u << layout->bits) count = 1u << layout->bits;
    for (uint32_t i = 0; i < count && at + entry <= limit; i++, at += entry)
      for (int c = 0; c < 3; c++) layout->palette[i][c] = header[at + 2 - (size_t)c];
  }
  const uint32_t runs = layout->compression == run_lengths_8   ? 8
                        : layout->compression == run_lengths_4 ? 4
                                                               : layout->bits;
  const bool known_bits = layout->bits == 1 || layout->bits == 2 || layout->bits == 4
                          || layout->bits == 8 || layout->bits == 16 || layout->bits == 24
                          || layout->bits == 32;
  if (!known_bits || runs != layout->bits || (layout->compression > with_masks && !masked))
    return bmp_fail(input, "an unsupported kind of pixels");
  if (layout->pixels < file_header_size + size) return bmp_fail(input, "the header is damaged");
  return layout->pixels < input->count ? codec_ok : codec_truncated;
}

codec_status codec_bmp_probe(codec_input *input, codec_header *header) {
  bmp_layout layout = {0};
  const codec_status status = bmp_read_layout(input, &layout);
  header->width = layout.width;
  header->height = layout.height;
  return status;
}

// The bits of a mask as 8 bits; `absent` if the mask is empty.
static uint8_t bmp_sample(uint32_t pixel, uint32_t mask, uint8_t absent) {
  if (mask == 0) return absent;
  const int shift = __builtin_ctz(mask);
  const uint64_t most = mask >> shift;
  return (uint8_t)(((pixel & mask) >> shift) * 255ull / most);
}

static void bmp_read_row(const bmp_layout *layout, const uint8_t *row, uint8_t *rgb) {
  const uint32_t bits = layout->bits;
  for (uint32_t x = 0; x < layout->width; x++, rgb += 3) {
    if (bits <= 8) {
      const size_t bit = (size_t)x * bits;
      const uint32_t index = row[bit >> 3] >> (8 - bits - (bit & 7)) & ((1u << bits) - 1);
      memcpy(rgb, layout->palette[index], 3);
    } else if (bits == 24) {
      for (int c = 0; c < 3; c++) rgb[c] = row[(size_t)x * 3 + 2 - (size_t)c];
    } else {
      const uint32_t pixel = little_endian(row + (size_t)x * (bits / 8), (int)bits / 8);
      const uint8_t alpha = bmp_sample(pixel, layout->masks[3], 255);
      for (int c = 0; c < 3; c++)
        rgb[c] = over_white(bmp_sample(pixel, layout->masks[c], 0), alpha);
    }
  }
}

static uint8_t *bmp_target(const bmp_layout *layout, const codec_output *output, uint32_t row) {
  return codec_row(output, layout->top_down ? row : output->height - 1 - row);
}

// Runs of equal pixels, literal pixels, and moves; pixels that are passed over have the colour 0.
static codec_status bmp_read_runs(codec_input *input, const bmp_layout *layout,
                                  const codec_output *output) {
  const uint8_t *next = input->bytes + layout->pixels;
  const uint8_t *const end = input->bytes + input->count;
  const bool nibbles = layout->bits == 4;
  for (size_t i = 0; i < (size_t)output->width * output->height; i++)
    memcpy(output->rgb + i * 3, layout->palette[0], 3);
  uint32_t x = 0, y = 0;
  while (y < output->height) {
    if (end - next < 2) return codec_truncated;
    const uint8_t first = *next++, second = *next++;
    uint32_t count = first;
    const uint8_t *literals = NULL;
    if (first == 0) {
      if (second == 1) return codec_ok;
      if (second == 0) {
        x = 0;
        y++;
        continue;
      }
      if (second == 2) {
        if (end - next < 2) return codec_truncated;
        x += next[0];
        y += next[1];
        next += 2;
        if (x > output->width) return bmp_fail(input, "a run leaves the picture");
        continue;
      }
      count = second;
      literals = next;
      const uint32_t size = nibbles ? (count + 1) / 2 : count;
      if ((size_t)(end - next) < size) return codec_truncated;
      next += size;
      if (size % 2 == 1 && next < end) next++;
    }
    if (count > output->width - x) return bmp_fail(input, "a run leaves the picture");
    uint8_t *rgb = bmp_target(layout, output, y) + (size_t)x * 3;
    for (uint32_t i = 0; i < count; i++, rgb += 3) {
      const uint8_t byte = literals ? literals[nibbles ? i / 2 : i] : second;
      const uint8_t index = !nibbles ? byte : i % 2 == 0 ? byte >> 4 : byte & 15;
      memcpy(rgb, layout->palette[index], 3);
    }
    x += count;
  }
  return codec_ok;
}

codec_status codec_bmp_decode(codec_input *input, const codec_output *output) {
  bmp_layout layout = {0};
  const codec_status status = bmp_read_layout(input, &layout);
  if (status != codec_ok) return status;
  if (layout.width != output->width || layout.height != output->height)
    return bmp_fail(input, "the size differs from the header read before");
  if (layout.compression == run_lengths_8 || layout.compression == run_lengths_4)
    return bmp_read_runs(input, &layout, output);
  const uint64_t stride = ((uint64_t)layout.width * layout.bits + 31) / 32 * 4;
  const uint64_t needed = stride * (layout.height - 1)
                          + ((uint64_t)layout.width * layout.bits + 7) / 8;
  if (input->count - layout.pixels < needed) return codec_truncated;
  for (uint32_t y = 0; y < layout.height; y++)
    bmp_read_row(&layout, input->bytes + layout.pixels + stride * y,
                 bmp_target(&layout, output, y));
  return codec_ok;
}
