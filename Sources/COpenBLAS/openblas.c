#include "COpenBLAS.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const char *const library_name = "libopenblas.so.0";
static const char core_type_name[] = "OPENBLAS_CORETYPE=";
static const char threads_setting[] = "OPENBLAS_NUM_THREADS=1";

extern char **environ;

static bool has_prefix(const char *text, const char *prefix, size_t count) {
  return strncmp(text, prefix, count) == 0;
}

// The environment with OpenBLAS's settings. Neither it nor its strings are ever freed: another thread
// may still be reading them.
static char **environment_for(const char *core_type, char **from) {
  const size_t name = sizeof core_type_name - 1;
  const size_t threads_name = strlen("OPENBLAS_NUM_THREADS=");
  size_t count = 0;
  while (from && from[count]) count++;
  char **settings = calloc(count + 3, sizeof *settings);
  if (!settings) return NULL;
  size_t next = 0;
  for (size_t i = 0; i < count; i++) {
    // OpenBLAS takes an empty core type for an unknown one.
    const bool is_core_type = has_prefix(from[i], core_type_name, name);
    if (is_core_type && (core_type || !from[i][name])) continue;
    if (!has_prefix(from[i], threads_setting, threads_name)) settings[next++] = from[i];
  }
  settings[next++] = (char *)threads_setting;
  if (core_type) {
    const size_t size = name + strlen(core_type) + 1;
    char *setting = malloc(size);
    if (!setting) return NULL;
    snprintf(setting, size, "%s%s", core_type_name, core_type);
    settings[next++] = setting;
  }
  return settings;
}

bool openblas_is_loaded(void) {
  void *handle = dlopen(library_name, RTLD_LAZY | RTLD_NOLOAD);
  if (handle) dlclose(handle);
  return handle;
}

bool openblas_has_room(int threads) {
  // Its code and tables, and a buffer for each thread (BUFFER_SIZE of common_x86_64.h).
  const size_t size = ((size_t)64 << 20) + (size_t)threads * (32 << 22);
  void *const room =
      mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (room == MAP_FAILED) return false;
  munmap(room, size);
  return true;
}

bool openblas_load(const char *core_type, struct openblas *library) {
  char **const before = environ;
  char **const during = environment_for(core_type, before);
  if (!during) return false;
  __atomic_store_n(&environ, during, __ATOMIC_RELEASE);
  void *const handle = dlopen(library_name, RTLD_NOW | RTLD_LOCAL);
  // Unless another thread has changed the environment since: then its change stays.
  char **expected = during;
  __atomic_compare_exchange_n(&environ, &expected, before, false, __ATOMIC_RELEASE,
                              __ATOMIC_RELAXED);
  if (!handle) return false;

  __typeof__(openblas_set_num_threads) *set_threads = dlsym(handle, "openblas_set_num_threads");
  __typeof__(openblas_get_config) *configuration = dlsym(handle, "openblas_get_config");
  __typeof__(openblas_get_corename) *core = dlsym(handle, "openblas_get_corename");
  library->sgemm = dlsym(handle, "cblas_sgemm");
  if (!set_threads || !configuration || !core || !library->sgemm) {
    dlclose(handle);
    return false;
  }
  // A build for OpenMP does not read the setting.
  set_threads(1);
  library->handle = handle;
  library->configuration = configuration();
  library->core_type = core();
  return true;
}

void openblas_unload(struct openblas library) { dlclose(library.handle); }
