#include "CGExiv2.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>

static const char *const library_name = "libgexiv2.so.2";

// GEXIV2_LOG_LEVEL_MUTE
static const int mute = 4;

// As declared by gexiv2/gexiv2.h and glib.h; gboolean is an int, GError is only passed on.
static struct {
  int (*initialize)(void);
  void (*log_set_level)(int level);
  metadata *(*new)(void);
  void (*free)(metadata *self);
  int (*open_buf)(metadata *self, const uint8_t *data, long count, void **error);
  int (*has_tag)(metadata *self, const char *tag, void **error);
  char *(*get_text)(metadata *self, const char *tag, void **error);
  char **(*get_list)(metadata *self, const char *tag, void **error);
  int (*get_latitude)(metadata *self, double *latitude, void **error);
  int (*get_longitude)(metadata *self, double *longitude, void **error);
  void (*g_free)(void *memory);
  void (*g_strfreev)(char **list);
  void (*g_clear_error)(void **error);
} library;

static bool is_loaded;

static bool load(void *handle, const char *name, void *function) {
  void *const symbol = dlsym(handle, name);
  // The assignment that POSIX suggests for pointers to functions.
  *(void **)function = symbol;
  return symbol;
}

static void load_library(void) {
  void *const handle = dlopen(library_name, RTLD_NOW | RTLD_LOCAL);
  if (!handle) return;
  is_loaded =
      load(handle, "gexiv2_initialize", &library.initialize)
      && load(handle, "gexiv2_log_set_level", &library.log_set_level)
      && load(handle, "gexiv2_metadata_new", &library.new)
      && load(handle, "gexiv2_metadata_free", &library.free)
      && load(handle, "gexiv2_metadata_open_buf", &library.open_buf)
      && load(handle, "gexiv2_metadata_try_has_tag", &library.has_tag)
      && load(handle, "gexiv2_metadata_try_get_tag_interpreted_string", &library.get_text)
      && load(handle, "gexiv2_metadata_try_get_tag_multiple", &library.get_list)
      && load(handle, "gexiv2_metadata_try_get_gps_latitude", &library.get_latitude)
      && load(handle, "gexiv2_metadata_try_get_gps_longitude", &library.get_longitude)
      && load(handle, "g_free", &library.g_free)
      && load(handle, "g_strfreev", &library.g_strfreev)
      && load(handle, "g_clear_error", &library.g_clear_error) && library.initialize();
  if (is_loaded) library.log_set_level(mute);
}

bool metadata_is_available(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load_library);
  return is_loaded;
}

metadata *metadata_open(const uint8_t *bytes, size_t count) {
  if (!metadata_is_available() || count == 0 || count > LONG_MAX) return NULL;
  metadata *const self = library.new();
  if (!self) return NULL;
  void *error = NULL;
  const bool is_open = library.open_buf(self, bytes, (long)count, &error);
  library.g_clear_error(&error);
  if (is_open) return self;
  library.free(self);
  return NULL;
}

void metadata_close(metadata *self) { library.free(self); }

static bool has_tag(metadata *self, const char *tag) {
  void *error = NULL;
  const bool result = library.has_tag(self, tag, &error);
  library.g_clear_error(&error);
  return result;
}

char *metadata_copy_text(metadata *self, const char *tag) {
  if (!has_tag(self, tag)) return NULL;
  void *error = NULL;
  char *const text = library.get_text(self, tag, &error);
  library.g_clear_error(&error);
  return text;
}

void metadata_free_text(char *text) { library.g_free(text); }

char **metadata_copy_list(metadata *self, const char *tag) {
  if (!has_tag(self, tag)) return NULL;
  void *error = NULL;
  char **const list = library.get_list(self, tag, &error);
  library.g_clear_error(&error);
  return list;
}

void metadata_free_list(char **list) { library.g_strfreev(list); }

bool metadata_coordinates(metadata *self, double *latitude, double *longitude) {
  void *error = NULL;
  bool result = library.get_latitude(self, latitude, &error);
  library.g_clear_error(&error);
  result = result && library.get_longitude(self, longitude, &error);
  library.g_clear_error(&error);
  return result;
}
