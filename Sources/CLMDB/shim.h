#pragma once
#include <lmdb.h>
// Which file system a path lies on: Glibc for Swift leaves it out.
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

// Lets two paths change places at once (renameat2 with RENAME_EXCHANGE, which Swift cannot import).
static inline int folders_exchange(const char *a, const char *b) {
  const int here = -100 /* AT_FDCWD */, exchange = 2;
  return (int)syscall(SYS_renameat2, here, a, here, b, exchange);
}
