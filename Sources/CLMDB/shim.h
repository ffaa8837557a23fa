#pragma once
#include <lmdb.h>
// Which file system a path lies on: Glibc for Swift leaves it out.
#include <sys/statfs.h>
