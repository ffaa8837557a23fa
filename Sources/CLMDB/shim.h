#pragma once
#include <lmdb.h>
// statfs, which Swift's Glibc module does not include.
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

// Swaps two paths atomically (renameat2 with RENAME_EXCHANGE, which Swift cannot import).
static inline int folders_exchange(const char *a, const char *b) {
  const int here = -100 /* AT_FDCWD */, exchange = 2;
  return (int)syscall(SYS_renameat2, here, a, here, b, exchange);
}
