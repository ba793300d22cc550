// Opens what stands at a path on which no link is followed, as an O_PATH descriptor. Same rules as child.cc.
//
// openat2(2) does it in one call. The filters of older containers, and the one of this library, hide that
// call (ENOSYS or EPERM, which it has no other reason to give for such a descriptor): there the path is
// walked part by part, each relative to the one before it, which is as strict. A link on the way is ENOTDIR
// then, not ELOOP.
#ifndef CASTELLAN_LINUX_OPEN_PATH_H_
#define CASTELLAN_LINUX_OPEN_PATH_H_

#include "syscalls.h"

namespace castellan {

inline bool IsLinkInChild(int fd) {
  sys::Statx found;
  return sys::StatxOf(fd, &found) < 0 || (found.mode & 0170000) == 0120000;
}

inline long WalkPathInChild(int directory, const char* path) {
  constexpr int kFlags = sys::kPath | sys::kCloseOnExec;
  char part[256];
  long at = sys::OpenAt(directory, *path == '/' ? "/" : ".", kFlags | sys::kDirectory);
  while (at >= 0) {
    while (*path == '/') path++;
    if (*path == '\0') break;
    size_t length = 0;
    while (*path != '/' && *path != '\0' && length < sizeof part - 1) part[length++] = *path++;
    part[length] = '\0';
    const bool whole = *path == '/' || *path == '\0';
    const long next =
        whole ? sys::OpenAt(static_cast<int>(at), part, kFlags | sys::kNoFollow) : -sys::kENAMETOOLONG;
    sys::Close(static_cast<int>(at));
    at = next;
  }
  // In the middle of a path a link fails by itself: nothing is below it.
  if (at < 0 || !IsLinkInChild(static_cast<int>(at))) return at;
  sys::Close(static_cast<int>(at));
  return -sys::kELOOP;
}

inline long OpenWithoutLinksInChild(int directory, const char* path) {
  const long fd = sys::OpenAt2(directory, path, sys::kPath | sys::kCloseOnExec, sys::kResolveNoSymlinks);
  return fd == -sys::kENOSYS || fd == -sys::kEPERM ? WalkPathInChild(directory, path) : fd;
}

// What a plan does not name and a link may lead to, such as /dev.
inline long OpenPlainInChild(const char* path) {
  return sys::OpenAt(sys::kAtFdCwd, path, sys::kPath | sys::kCloseOnExec);
}

}  // namespace castellan

#endif  // CASTELLAN_LINUX_OPEN_PATH_H_
