// TIFF with libtiff: the picture that tiff_open chooses. Grey, RGB, CMYK and palette pictures of 1 to
// 16 bits, with or without alpha, in strips, tiles or planes, are converted sample by sample with
// Pillow's arithmetic (the high byte of 16 bits); rarer colour spaces are read with libtiff's RGBA
// reader.
#include "tiff_file.h"

#include "colour.h"
#include "profile.h"

#include <stdlib.h>

enum { maximum_samples = 16 };

codec_status codec_tiff_probe(codec_input *input, codec_header *header) {
  tiff_state state = {.input = input};
  TIFF *tiff = tiff_open(&state);
  if (!tiff) return tiff_failure(&state);
  uint16_t orientation = 1;
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &header->width);
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &header->height);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &orientation);
  header->orientation = orientation >= 1 && orientation <= 8 ? orientation : 1;
  TIFFClose(tiff);
  // libtiff continues without a tag that it could not read, even a colour map.
  return state.ended ? codec_truncated : codec_ok;
}

typedef enum { no_alpha, straight_alpha, premultiplied_alpha } tiff_alpha;

typedef struct {
  uint16_t bits, samples, photometric;
  bool planes;        // one plane per sample, else interleaved
  uint16_t colours;   // colour samples: 1, 3 or 4
  uint16_t channels;  // samples kept: colours and alpha, if present
  tiff_alpha alpha;
  uint8_t palette[256][3];
} tiff_layout;

static bool tiff_read_palette(TIFF *tiff, tiff_layout *layout) {
  uint16_t *map[3];
  if (layout->bits > 8 || !TIFFGetField(tiff, TIFFTAG_COLORMAP, &map[0], &map[1], &map[2]))
    return false;
  // Old writers stored 8-bit entries instead of 16-bit ones.
  int shift = 0;
  for (int i = 0; i < 1 << layout->bits; i++)
    for (int c = 0; c < 3; c++)
      if (map[c][i] > 255) shift = 8;
  for (int i = 0; i < 1 << layout->bits; i++)
    for (int c = 0; c < 3; c++) layout->palette[i][c] = (uint8_t)(map[c][i] >> shift);
  return true;
}

// Returns false for layouts that are left to libtiff's RGBA reader.
static bool tiff_read_layout(TIFF *tiff, tiff_layout *layout) {
  uint16_t planar, format, compression, extra_count = 0, *extra = NULL;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &layout->bits);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &layout->samples);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &planar);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &format);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &compression);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &extra_count, &extra);
  if (!TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &layout->photometric)) return false;
  layout->planes = planar == PLANARCONFIG_SEPARATE;
  bool known_bits = layout->bits == 1 || layout->bits == 2 || layout->bits == 4 || layout->bits == 8
                    || layout->bits == 16;
  if (!known_bits || layout->samples > maximum_samples) return false;
  if (format != SAMPLEFORMAT_UINT && format != SAMPLEFORMAT_VOID) return false;
  switch (layout->photometric) {
  case PHOTOMETRIC_MINISWHITE:
  case PHOTOMETRIC_MINISBLACK: layout->colours = 1; break;
  case PHOTOMETRIC_PALETTE:
    layout->colours = 1;
    if (!tiff_read_palette(tiff, layout)) return false;
    break;
  case PHOTOMETRIC_RGB: layout->colours = 3; break;
  case PHOTOMETRIC_SEPARATED: layout->colours = 4; break;
  case PHOTOMETRIC_YCBCR:
    if (compression != COMPRESSION_JPEG || layout->planes) return false;
    TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    layout->colours = 3;
    break;
  default: return false;
  }
  if (layout->samples < layout->colours) return false;
  if (layout->samples > layout->colours) {
    // As in Pillow, an undescribed fourth sample of RGB is alpha.
    if (extra_count == 0 && layout->photometric == PHOTOMETRIC_RGB) layout->alpha = straight_alpha;
    if (extra_count > 0 && extra[0] == EXTRASAMPLE_UNASSALPHA) layout->alpha = straight_alpha;
    if (extra_count > 0 && extra[0] == EXTRASAMPLE_ASSOCALPHA) layout->alpha = premultiplied_alpha;
  }
  layout->channels = layout->colours + (layout->alpha != no_alpha);
  return true;
}

// Converts the first `channels` of the `samples` of each of `count` pixels to 8 bits (palette
// indices are unchanged); pixels of `target` are `layout->channels` bytes apart.
static void tiff_unpack(const tiff_layout *layout, const uint8_t *row, uint32_t samples,
                        uint32_t channels, uint32_t count, uint8_t *target) {
  static const uint8_t scales[] = {0, 255, 85, 0, 17};
  uint32_t bits = layout->bits;
  for (uint32_t x = 0; x < count; x++, target += layout->channels)
    for (uint32_t c = 0; c < channels; c++) {
      size_t i = (size_t)x * samples + c;
      if (bits == 8) {
        target[c] = row[i];
      } else if (bits == 16) {
        uint16_t value;
        memcpy(&value, row + i * 2, 2);
        target[c] = (uint8_t)(value >> 8);
      } else {
        size_t bit = i * bits;
        uint8_t value = (uint8_t)(row[bit >> 3] >> (8 - bits - (bit & 7))) & ((1 << bits) - 1);
        target[c] = layout->photometric == PHOTOMETRIC_PALETTE ? value : value * scales[bits];
      }
    }
}

static bool tiff_read_strips(TIFF *tiff, const tiff_layout *layout, const codec_output *output,
                             uint8_t *pixels) {
  uint32_t planes = layout->planes ? layout->channels : 1;
  uint32_t samples = layout->planes ? 1 : layout->samples;
  uint32_t channels = layout->planes ? 1 : layout->channels;
  uint64_t needed = ((uint64_t)output->width * samples * layout->bits + 7) / 8;
  tmsize_t size = TIFFScanlineSize(tiff);
  if (size <= 0 || size > tiff_maximum_allocation || (uint64_t)size < needed) return false;
  uint8_t *row = malloc((size_t)size);
  bool good = row != NULL;
  for (uint32_t plane = 0; good && plane < planes; plane++)
    for (uint32_t y = 0; good && y < output->height; y++) {
      good = TIFFReadScanline(tiff, row, y, (uint16_t)plane) == 1;
      if (good)
        tiff_unpack(layout, row, samples, channels, output->width,
                    pixels + (size_t)y * output->width * layout->channels + plane);
    }
  free(row);
  return good;
}

static bool tiff_read_tiles(TIFF *tiff, const tiff_layout *layout, const codec_output *output,
                            uint8_t *pixels) {
  uint32_t planes = layout->planes ? layout->channels : 1;
  uint32_t samples = layout->planes ? 1 : layout->samples;
  uint32_t channels = layout->planes ? 1 : layout->channels;
  uint32_t width = 0, height = 0;
  TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &width);
  TIFFGetField(tiff, TIFFTAG_TILELENGTH, &height);
  tmsize_t size = TIFFTileSize(tiff), stride = TIFFTileRowSize(tiff);
  if (width == 0 || height == 0 || stride <= 0 || size <= 0 || size > tiff_maximum_allocation
      || (uint64_t)stride < ((uint64_t)width * samples * layout->bits + 7) / 8
      || (uint64_t)size < (uint64_t)stride * height)
    return false;
  uint8_t *tile = malloc((size_t)size);
  bool good = tile != NULL;
  for (uint32_t plane = 0; good && plane < planes; plane++)
    for (uint64_t top = 0; good && top < output->height; top += height)
      for (uint64_t left = 0; good && left < output->width; left += width) {
        good = TIFFReadTile(tiff, tile, (uint32_t)left, (uint32_t)top, 0, (uint16_t)plane) > 0;
        uint64_t columns = output->width - left < width ? output->width - left : width;
        uint64_t rows = output->height - top < height ? output->height - top : height;
        for (uint64_t y = 0; good && y < rows; y++)
          tiff_unpack(layout, tile + y * (uint64_t)stride, samples, channels, (uint32_t)columns,
                      pixels + ((top + y) * output->width + left) * layout->channels + plane);
      }
  free(tile);
  return good;
}

static void tiff_convert_row(const tiff_layout *layout, const uint8_t *pixel, uint32_t count,
                             uint8_t *rgb, codec_transform inks) {
  for (uint32_t x = 0; x < count; x++, pixel += layout->channels, rgb += 3) {
    if (layout->photometric == PHOTOMETRIC_PALETTE) {
      memcpy(rgb, layout->palette[pixel[0]], 3);
    } else if (layout->colours == 1) {
      uint8_t grey = layout->photometric == PHOTOMETRIC_MINISWHITE ? 255 - pixel[0] : pixel[0];
      rgb[0] = rgb[1] = rgb[2] = grey;
    } else if (layout->colours == 3) {
      memcpy(rgb, pixel, 3);
    } else if (inks.handle) {
      codec_transform_row(inks, pixel, rgb, 1);
    } else {
      cmyk_to_rgb(rgb, pixel[0], pixel[1], pixel[2], pixel[3]);
    }
    if (layout->alpha == no_alpha) continue;
    uint8_t alpha = pixel[layout->colours];
    for (int c = 0; c < 3; c++)
      rgb[c] = over_white(
          layout->alpha == premultiplied_alpha ? unpremultiplied(rgb[c], alpha) : rgb[c], alpha);
  }
}

static bool tiff_decode_samples(TIFF *tiff, const tiff_layout *layout, const codec_output *output) {
  size_t stride = (size_t)output->width * layout->channels;
  uint8_t *pixels = malloc(stride * output->height);
  if (!pixels) return false;
  bool good = TIFFIsTiled(tiff) ? tiff_read_tiles(tiff, layout, output, pixels)
                                : tiff_read_strips(tiff, layout, output, pixels);
  uint32_t size = 0;
  void *profile = NULL;
  if (TIFFGetField(tiff, TIFFTAG_ICCPROFILE, &size, &profile) != 1) size = 0;
  if (good) {
    const bool has_inks = layout->colours == 4;
    const codec_transform inks =
        has_inks ? codec_transform_open(profile, size, 4) : (codec_transform){0};
    for (uint32_t y = 0; y < output->height; y++)
      tiff_convert_row(layout, pixels + y * stride, output->width, codec_row(output, y), inks);
    codec_transform_close(inks);
    const bool grey = layout->colours == 1 && layout->photometric != PHOTOMETRIC_PALETTE;
    if (!has_inks) codec_apply_profile(output, profile, size, grey);
  }
  free(pixels);
  return good;
}

static bool tiff_decode_rgba(TIFF *tiff, const codec_output *output) {
  if (TIFFIsTiled(tiff) && TIFFTileSize(tiff) > tiff_maximum_allocation) return false;
  size_t count = (size_t)output->width * output->height;
  uint32_t *raster = malloc(count * sizeof *raster);
  if (!raster) return false;
  // The caller applies the orientation; libtiff would only mirror the picture.
  TIFFSetField(tiff, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
  bool good = TIFFReadRGBAImageOriented(tiff, output->width, output->height, raster,
                                        ORIENTATION_TOPLEFT, 1) == 1;
  if (good)
    for (size_t i = 0; i < count; i++) {
      const uint8_t alpha = (uint8_t)TIFFGetA(raster[i]);
      const uint32_t rgb[3] = {TIFFGetR(raster[i]), TIFFGetG(raster[i]), TIFFGetB(raster[i])};
      for (int c = 0; c < 3; c++)
        output->rgb[i * 3 + c] = over_white(unpremultiplied((uint8_t)rgb[c], alpha), alpha);
    }
  free(raster);
  return good;
}

codec_status codec_tiff_decode(codec_input *input, const codec_output *output) {
  tiff_state state = {.input = input};
  TIFF *tiff = tiff_open(&state);
  if (!tiff) return tiff_failure(&state);
  uint32_t width = 0, height = 0;
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height);
  tiff_layout layout = {0};
  bool good = width == output->width && height == output->height
              && (tiff_read_layout(tiff, &layout) ? tiff_decode_samples(tiff, &layout, output)
                                                  : tiff_decode_rgba(tiff, output));
  TIFFClose(tiff);
  return good && !state.ended ? codec_ok : tiff_failure(&state);
}
