#include "jpeg_encode.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

// libjpeg's default error handler exits the process; this one returns to the caller.
struct failure {
  struct jpeg_error_mgr manager;
  jmp_buf exit;
};

static void return_to_caller(j_common_ptr info) {
  struct failure *failure = (struct failure *)info->err;
  longjmp(failure->exit, 1);
}

static void be_silent(j_common_ptr info) { (void)info; }

bool codec_encode_jpeg(const uint8_t *pixels, int width, int height, int quality, uint8_t **data,
                        size_t *size) {
  struct jpeg_compress_struct info;
  struct failure failure;
  unsigned long length = 0;
  *data = NULL;
  *size = 0;

  info.err = jpeg_std_error(&failure.manager);
  failure.manager.error_exit = return_to_caller;
  failure.manager.output_message = be_silent;
  if (setjmp(failure.exit)) {
    jpeg_destroy_compress(&info);
    *data = NULL;  // libjpeg may have freed it while growing
    return false;
  }
  jpeg_create_compress(&info);
  jpeg_mem_dest(&info, data, &length);
  info.image_width = (JDIMENSION)width;
  info.image_height = (JDIMENSION)height;
  info.input_components = 3;
  info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, quality, TRUE);
  info.optimize_coding = TRUE;
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    JSAMPROW row = (JSAMPROW)(pixels + (size_t)info.next_scanline * (size_t)width * 3);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  *size = length;
  return true;
}

void codec_free(uint8_t *data) { free(data); }
