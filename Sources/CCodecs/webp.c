// WebP with libwebp: still pictures, and the first frame of an animation on its canvas.
#include "codecs.h"
#include "colour.h"
#include "profile.h"

#include <stdbool.h>
#include <stdlib.h>

#include <webp/decode.h>
#include <webp/demux.h>

static codec_status webp_status(codec_input *input, VP8StatusCode code) {
  switch (code) {
  case VP8_STATUS_OK: return codec_ok;
  case VP8_STATUS_NOT_ENOUGH_DATA:
  case VP8_STATUS_SUSPENDED: return codec_truncated;
  case VP8_STATUS_OUT_OF_MEMORY: codec_fail(input, "not enough memory"); break;
  case VP8_STATUS_UNSUPPORTED_FEATURE: codec_fail(input, "an unsupported feature"); break;
  default: codec_fail(input, "the bitstream is damaged"); break;
  }
  return codec_corrupt;
}

static bool webp_is_short(const codec_input *input) {
  const uint8_t *b = input->bytes;
  if (input->count < 12) return true;
  uint32_t riff = b[4] | (uint32_t)b[5] << 8 | (uint32_t)b[6] << 16 | (uint32_t)b[7] << 24;
  return input->count < (uint64_t)riff + 8;
}

codec_status codec_webp_probe(codec_input *input, codec_header *header) {
  WebPBitstreamFeatures features;
  codec_status status =
      webp_status(input, WebPGetFeatures(input->bytes, input->count, &features));
  if (status != codec_ok) return status;
  header->width = (uint32_t)features.width;
  header->height = (uint32_t)features.height;
  return codec_ok;
}

// Decodes a bitstream of width × height pixels to `rgb`, whose rows are `stride` bytes apart.
static codec_status webp_decode_frame(codec_input *input, const uint8_t *bytes, size_t count,
                                      uint32_t width, uint32_t height, uint8_t *rgb,
                                      size_t stride) {
  WebPDecoderConfig config;
  if (!WebPInitDecoderConfig(&config)) return codec_corrupt;
  codec_status status = webp_status(input, WebPGetFeatures(bytes, count, &config.input));
  if (status != codec_ok) return status;
  if (config.input.width != (int)width || config.input.height != (int)height) {
    codec_fail(input, "a frame does not have the size given in the header");
    return codec_corrupt;
  }
  bool alpha = config.input.has_alpha;
  size_t alpha_stride = (size_t)width * 4;
  uint8_t *rgba = alpha ? malloc(alpha_stride * height) : NULL;
  if (alpha && !rgba) return webp_status(input, VP8_STATUS_OUT_OF_MEMORY);
  config.output.colorspace = alpha ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = alpha ? rgba : rgb;
  config.output.u.RGBA.stride = (int)(alpha ? alpha_stride : stride);
  config.output.u.RGBA.size =
      alpha ? alpha_stride * height : stride * (height - 1) + (size_t)width * 3;
  status = webp_status(input, WebPDecode(bytes, count, &config));
  WebPFreeDecBuffer(&config.output);
  if (alpha && status == codec_ok)
    for (uint32_t y = 0; y < height; y++)
      rgba_over_white(rgb + y * stride, rgba + y * alpha_stride, width);
  free(rgba);
  return status;
}

// The canvas of an animation is transparent, and therefore white, outside the first frame.
static codec_status webp_decode_first_frame(codec_input *input, const codec_output *output) {
  WebPData data = {input->bytes, input->count};
  WebPDemuxer *demuxer = WebPDemux(&data);
  if (!demuxer) {
    codec_fail(input, "the container is damaged");
    return codec_corrupt;
  }
  size_t stride = (size_t)output->width * 3;
  WebPIterator frame;
  codec_status status = codec_corrupt;
  if (!WebPDemuxGetFrame(demuxer, 1, &frame)) {
    codec_fail(input, "the animation has no frame");
  } else {
    bool inside = frame.x_offset >= 0 && frame.y_offset >= 0 && frame.width > 0 && frame.height > 0
                  && (uint64_t)frame.x_offset + (uint64_t)frame.width <= output->width
                  && (uint64_t)frame.y_offset + (uint64_t)frame.height <= output->height;
    if (inside) {
      memset(output->rgb, 255, stride * output->height);
      uint8_t *corner = codec_row(output, (uint32_t)frame.y_offset) + (size_t)frame.x_offset * 3;
      status = webp_decode_frame(input, frame.fragment.bytes, frame.fragment.size,
                                 (uint32_t)frame.width, (uint32_t)frame.height, corner, stride);
    } else {
      codec_fail(input, "the first frame exceeds the canvas");
    }
    WebPDemuxReleaseIterator(&frame);
  }
  WebPDemuxDelete(demuxer);
  return status;
}

static void webp_apply_profile(const codec_input *input, const codec_output *output) {
  const WebPData data = {input->bytes, input->count};
  WebPDemuxer *const demuxer = WebPDemux(&data);
  if (!demuxer) return;
  WebPChunkIterator chunk;
  if (WebPDemuxGetChunk(demuxer, "ICCP", 1, &chunk)) {
    codec_apply_profile(output, chunk.chunk.bytes, chunk.chunk.size, false);
    WebPDemuxReleaseChunkIterator(&chunk);
  }
  WebPDemuxDelete(demuxer);
}

codec_status codec_webp_decode(codec_input *input, const codec_output *output) {
  if (webp_is_short(input)) return codec_truncated;
  WebPBitstreamFeatures features;
  codec_status status =
      webp_status(input, WebPGetFeatures(input->bytes, input->count, &features));
  if (status != codec_ok) return status;
  status = features.has_animation
               ? webp_decode_first_frame(input, output)
               : webp_decode_frame(input, input->bytes, input->count, output->width,
                                   output->height, output->rgb, (size_t)output->width * 3);
  if (status == codec_ok) webp_apply_profile(input, output);
  return status;
}
