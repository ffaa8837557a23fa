#include "codecs.h"
#include "library.h"

#include <dlfcn.h>

typedef struct {
  codec_status (*probe)(codec_input *, codec_header *);
  codec_status (*decode)(codec_input *, const codec_output *);
} codec_shim;

static const codec_shim shims[] = {
    [codec_jpeg] = {codec_jpeg_probe, codec_jpeg_decode},
    [codec_png] = {codec_png_probe, codec_png_decode},
    [codec_webp] = {codec_webp_probe, codec_webp_decode},
    [codec_tiff] = {codec_tiff_probe, codec_tiff_decode},
    [codec_gif] = {codec_gif_probe, codec_gif_decode},
    [codec_heif] = {codec_heif_probe, codec_heif_decode},
    [codec_bmp] = {codec_bmp_probe, codec_bmp_decode},
    [codec_jpeg_xl] = {codec_jpeg_xl_probe, codec_jpeg_xl_decode},
    [codec_jpeg_2000] = {codec_jpeg_2000_probe, codec_jpeg_2000_decode},
    [codec_raw] = {codec_raw_probe, codec_raw_decode},
};

codec_status codec_probe(codec_format format, const uint8_t *bytes, size_t count,
                         codec_header *header, char message[codec_message_size]) {
  codec_input input = {bytes, count, message};
  *header = (codec_header){.orientation = 1};
  message[0] = 0;
  codec_status status = shims[format].probe(&input, header);
  if (status == codec_ok && (header->width == 0 || header->height == 0)) {
    codec_fail(&input, "the picture has no pixels");
    status = codec_corrupt;
  }
  return status;
}

codec_status codec_decode(codec_format format, const uint8_t *bytes, size_t count,
                          uint32_t reduction, uint32_t width, uint32_t height, uint8_t *rgb,
                          char message[codec_message_size]) {
  codec_input input = {bytes, count, message};
  codec_output output = {width, height, reduction, rgb};
  message[0] = 0;
  return shims[format].decode(&input, &output);
}

bool codec_load(const char *name, const codec_symbol *symbols, size_t count) {
  void *const handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!handle) return false;
  for (size_t i = 0; i < count; i++) {
    void *const symbol = dlsym(handle, symbols[i].name);
    if (!symbol) return false;
    // The assignment that POSIX suggests for pointers to functions.
    *(void **)symbols[i].target = symbol;
  }
  return true;
}
