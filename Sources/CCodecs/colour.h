// Conversions to RGB with Pillow's arithmetic, so that pictures are bit-identical to Pillow's.
#pragma once

#include <stdint.h>

// `Image.alpha_composite` over opaque white (AlphaComposite.c): rounds, exact for alpha 0 and 255.
static inline uint8_t over_white(uint8_t value, uint8_t alpha) {
  uint32_t sum = (value * (uint32_t)alpha + 255 * (255 - (uint32_t)alpha)) * 128 + 0x4000;
  return (uint8_t)((((sum >> 8) + sum) >> 8) >> 7);
}

static inline void rgba_over_white(uint8_t *rgb, const uint8_t *rgba, uint32_t count) {
  for (uint32_t x = 0; x < count; x++, rgb += 3, rgba += 4)
    for (int c = 0; c < 3; c++) rgb[c] = over_white(rgba[c], rgba[3]);
}

// `cmyk2rgb` of Convert.c; 255 is full ink.
static inline void cmyk_to_rgb(uint8_t *rgb, uint8_t c, uint8_t m, uint8_t y, uint8_t k) {
  const uint8_t ink[3] = {c, m, y};
  int paper = 255 - k;
  for (int i = 0; i < 3; i++) {
    int product = ink[i] * paper + 128;
    int value = paper - ((product + (product >> 8)) >> 8);
    rgb[i] = value < 0 ? 0 : (uint8_t)value;
  }
}

// `rgba2rgb_` of Convert.c: premultiplied to straight alpha.
static inline uint8_t unpremultiplied(uint8_t value, uint8_t alpha) {
  if (alpha == 0 || alpha == 255) return value;
  int straight = 255 * value / alpha;
  return straight > 255 ? 255 : (uint8_t)straight;
}
