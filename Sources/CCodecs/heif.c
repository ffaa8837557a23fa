// HEIC and AVIF with libheif: the primary picture in 8 bits, already rotated and cropped by libheif
// according to the file's transformations (an additional EXIF orientation is only informative).
#include "codecs.h"
#include "colour.h"
#include "profile.h"

#include <stdbool.h>
#include <stdlib.h>

#include <libheif/heif.h>

enum { heif_largest_profile = 16 << 20 };

static codec_status heif_status(codec_input *input, struct heif_error error) {
  if (error.code == heif_error_Ok) return codec_ok;
  if (error.subcode == heif_suberror_End_of_data) return codec_truncated;
  codec_fail(input, "%s", error.message ? error.message : "the data are damaged");
  return codec_corrupt;
}

static codec_status heif_open(codec_input *input, struct heif_context **context,
                              struct heif_image_handle **handle) {
  *handle = NULL;
  *context = heif_context_alloc();
  if (!*context) return codec_corrupt;
  heif_context_set_max_decoding_threads(*context, 1);
  struct heif_error error = heif_context_read_from_memory_without_copy(
      *context, input->bytes, input->count, NULL);
  if (error.code == heif_error_Ok) error = heif_context_get_primary_image_handle(*context, handle);
  return heif_status(input, error);
}

static void heif_close(struct heif_context *context, struct heif_image_handle *handle) {
  if (handle) heif_image_handle_release(handle);
  if (context) heif_context_free(context);
}

codec_status codec_heif_probe(codec_input *input, codec_header *header) {
  struct heif_context *context;
  struct heif_image_handle *handle;
  codec_status status = heif_open(input, &context, &handle);
  if (status == codec_ok) {
    int width = heif_image_handle_get_width(handle), height = heif_image_handle_get_height(handle);
    header->width = width > 0 ? (uint32_t)width : 0;
    header->height = height > 0 ? (uint32_t)height : 0;
  }
  heif_close(context, handle);
  return status;
}

static codec_status heif_copy(codec_input *input, const struct heif_image *image, bool alpha,
                              bool premultiplied, const codec_output *output) {
  int stride = 0;
  const uint8_t *plane = heif_image_get_plane_readonly(image, heif_channel_interleaved, &stride);
  if (!plane || heif_image_get_width(image, heif_channel_interleaved) != (int)output->width
      || heif_image_get_height(image, heif_channel_interleaved) != (int)output->height) {
    codec_fail(input, "the picture does not have the size given in the header");
    return codec_corrupt;
  }
  for (uint32_t y = 0; y < output->height; y++) {
    const uint8_t *row = plane + (size_t)stride * y;
    uint8_t *rgb = codec_row(output, y);
    if (!alpha) {
      memcpy(rgb, row, (size_t)output->width * 3);
    } else if (!premultiplied) {
      rgba_over_white(rgb, row, output->width);
    } else {
      for (uint32_t x = 0; x < output->width; x++, rgb += 3, row += 4)
        for (int c = 0; c < 3; c++)
          rgb[c] = over_white(unpremultiplied(row[c], row[3]), row[3]);
    }
  }
  return codec_ok;
}

static void heif_apply_profile(const struct heif_image_handle *handle, const codec_output *output) {
  const size_t size = heif_image_handle_get_raw_color_profile_size(handle);
  uint8_t *const profile = size > 0 && size <= heif_largest_profile ? malloc(size) : NULL;
  if (profile && heif_image_handle_get_raw_color_profile(handle, profile).code == heif_error_Ok)
    codec_apply_profile(output, profile, size, false);
  free(profile);
}

codec_status codec_heif_decode(codec_input *input, const codec_output *output) {
  struct heif_context *context;
  struct heif_image_handle *handle;
  struct heif_image *image = NULL;
  codec_status status = heif_open(input, &context, &handle);
  struct heif_decoding_options *options = heif_decoding_options_alloc();
  if (status == codec_ok && options) {
    bool alpha = heif_image_handle_has_alpha_channel(handle);
    options->convert_hdr_to_8bit = 1;
    // Use libaom for AV1, not dav1d, which as called by libheif prints to stderr and uses all
    // cores. (HEVC has only one decoder, which is used if the id does not match.)
    options->decoder_id = "aom";
    status = heif_status(
        input, heif_decode_image(handle, &image, heif_colorspace_RGB,
                                 alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB,
                                 options));
    if (status == codec_ok)
      status = heif_copy(input, image, alpha, heif_image_handle_is_premultiplied_alpha(handle),
                         output);
    if (status == codec_ok) heif_apply_profile(handle, output);
  }
  if (image) heif_image_release(image);
  if (options) heif_decoding_options_free(options);
  heif_close(context, handle);
  return status;
}
