// System calls that Swift cannot import, since Glibc declares no function for them.
#pragma once

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

// Opens a file for reading whose path may not leave `folder`, not by "..", by an absolute path, or by a
// symbolic link. Returns the descriptor, or -1 with errno; ENOSYS where the kernel is older than 5.6.
static inline int open_beneath(int folder, const char *path) {
  struct open_how how = {
    .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
    .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
  };
  return (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
}
