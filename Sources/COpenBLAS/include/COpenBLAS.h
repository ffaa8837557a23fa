// OpenBLAS, loaded when it is first needed rather than with the program.
#pragma once
#include <cblas.h>
#include <stdbool.h>

/// A loaded OpenBLAS.
struct openblas {
  void *handle;
  __typeof__(cblas_sgemm) *sgemm;
  /// Its version and build options: "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH …".
  const char *configuration;
  /// The core type whose kernels it uses: "Haswell", "SkylakeX", …
  const char *core_type;
};

/// Whether something else in this process has loaded OpenBLAS.
bool openblas_is_loaded(void);

/// Whether the process may have the address space that OpenBLAS takes if so many threads use it. If it gets
/// none for a buffer, it tries again for ever.
bool openblas_has_room(int threads);

/// Loads OpenBLAS, to run on the calling thread only.
///
/// OpenBLAS reads its settings from the environment, once, while it is loaded. They are added to the
/// environment for that time and removed again. `environ` is replaced, not modified as `setenv` does,
/// so that a thread that reads the environment meanwhile finds one or the other intact.
/// - Parameter core_type: Takes the place of OPENBLAS_CORETYPE; null leaves that, or OpenBLAS's own
///   choice where it is unset or empty.
/// - Returns: False where OpenBLAS is not installed.
bool openblas_load(const char *core_type, struct openblas *library);

/// Unloads it.
void openblas_unload(struct openblas library);
