// The few calls of libgexiv2 that blip needs, without GLib's types. The library is loaded when the
// first file is read, so that programs that read none start without it.
//
// Not safe to call from several threads at once. No function prints.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The EXIF, IPTC and XMP metadata of a file.
typedef struct metadata metadata;

/// Whether the library is installed; loads it.
bool metadata_is_available(void);

/// Reads the metadata of a file in memory; NULL if it has none that can be read. Free the result
/// with metadata_close.
metadata *metadata_open(const uint8_t *bytes, size_t count);
void metadata_close(metadata *metadata);

/// The value of a tag as people read it, which need not be UTF-8; NULL if there is none. Free the
/// result with metadata_free_text.
char *metadata_copy_text(metadata *metadata, const char *tag);
void metadata_free_text(char *text);

/// The values of a tag, with NULL at the end; NULL if there are none. Free the result with
/// metadata_free_list.
char **metadata_copy_list(metadata *metadata, const char *tag);
void metadata_free_list(char **list);

/// Where the picture was taken, in degrees; false if it does not say.
bool metadata_coordinates(metadata *metadata, double *latitude, double *longitude);
