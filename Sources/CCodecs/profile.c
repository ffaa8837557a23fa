#include "profile.h"

#include "library.h"

#include <pthread.h>
#include <stdlib.h>

#include <lcms2.h>

#define FUNCTIONS(F)                                                                         \
  F(cmsOpenProfileFromMem) F(cmsCreate_sRGBProfile) F(cmsCloseProfile) F(cmsGetColorSpace)   \
  F(cmsCreateTransform) F(cmsDeleteTransform) F(cmsDoTransform)

static struct {
  FUNCTIONS(CODEC_POINTER)
} library;

static bool is_loaded;

static void load_library(void) {
  const codec_symbol symbols[] = {FUNCTIONS(CODEC_SYMBOL)};
  is_loaded = codec_load("liblcms2.so.2", symbols, sizeof symbols / sizeof *symbols);
}

static bool lcms_is_available(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load_library);
  return is_loaded;
}

// Larger than any profile of a printer; lcms2 reads tables of it into memory.
enum { smallest_profile = 128, largest_profile = 16 << 20 };

// Differences of profiles that call themselves sRGB, of 255.
enum { tolerance = 2 };

static bool is_close(const uint8_t *a, const uint8_t *b, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (abs(a[i] - b[i]) > tolerance) return false;
  return true;
}

// Whether a transform of grey or RGB leaves colours on a grid (nearly) as they are.
static bool is_identity(cmsHTRANSFORM transform, uint32_t channels) {
  enum { steps = 16, step = 17 };
  for (int r = 0; r < steps; r++) {
    if (channels == 1) {
      const uint8_t grey = (uint8_t)(r * step), rgb[3] = {grey, grey, grey};
      uint8_t converted[3];
      library.cmsDoTransform(transform, &grey, converted, 1);
      if (!is_close(rgb, converted, 3)) return false;
      continue;
    }
    uint8_t rgb[steps * steps * 3], converted[steps * steps * 3], *next = rgb;
    for (int g = 0; g < steps; g++)
      for (int b = 0; b < steps; b++) {
        *next++ = (uint8_t)(r * step);
        *next++ = (uint8_t)(g * step);
        *next++ = (uint8_t)(b * step);
      }
    library.cmsDoTransform(transform, rgb, converted, steps * steps);
    if (!is_close(rgb, converted, sizeof rgb)) return false;
  }
  return true;
}

codec_transform codec_transform_open(const uint8_t *profile, size_t size, uint32_t channels) {
  codec_transform result = {NULL, channels};
  if (!profile || size < smallest_profile || size > largest_profile || !lcms_is_available())
    return result;
  const cmsHPROFILE source = library.cmsOpenProfileFromMem(profile, (cmsUInt32Number)size);
  const cmsHPROFILE target = source ? library.cmsCreate_sRGBProfile() : NULL;
  if (target) {
    static const cmsColorSpaceSignature spaces[] = {[1] = cmsSigGrayData, [3] = cmsSigRgbData,
                                                    [4] = cmsSigCmykData};
    static const cmsUInt32Number formats[] = {[1] = TYPE_GRAY_8, [3] = TYPE_RGB_8,
                                              [4] = TYPE_CMYK_8};
    if (library.cmsGetColorSpace(source) == spaces[channels])
      result.handle = library.cmsCreateTransform(source, formats[channels], target, TYPE_RGB_8,
                                                 INTENT_PERCEPTUAL, 0);
    library.cmsCloseProfile(target);
  }
  if (source) library.cmsCloseProfile(source);
  if (result.handle && channels != 4 && is_identity(result.handle, channels)) {
    library.cmsDeleteTransform(result.handle);
    result.handle = NULL;
  }
  return result;
}

void codec_transform_close(codec_transform transform) {
  if (transform.handle) library.cmsDeleteTransform(transform.handle);
}

void codec_transform_row(codec_transform transform, const uint8_t *samples, uint8_t *rgb,
                         uint32_t count) {
  library.cmsDoTransform(transform.handle, samples, rgb, count);
}

void codec_apply_profile(const codec_output *output, const uint8_t *profile, size_t size,
                         bool grey) {
  codec_transform transform = codec_transform_open(profile, size, 3);
  for (uint32_t y = 0; transform.handle && y < output->height; y++)
    codec_transform_row(transform, codec_row(output, y), codec_row(output, y), output->width);
  if (!transform.handle && grey) {
    transform = codec_transform_open(profile, size, 1);
    uint8_t *const samples = transform.handle ? malloc(output->width) : NULL;
    for (uint32_t y = 0; samples && y < output->height; y++) {
      uint8_t *const rgb = codec_row(output, y);
      for (uint32_t x = 0; x < output->width; x++) samples[x] = rgb[(size_t)x * 3];
      codec_transform_row(transform, samples, rgb, output->width);
    }
    free(samples);
  }
  codec_transform_close(transform);
}
