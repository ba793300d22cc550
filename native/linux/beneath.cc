// See beneath.h.
#include "beneath.h"

#include "../unique_fd.h"
#include "syscalls.h"

namespace castellan {

int OpenDirectoryBeneathRoot(const char* path) {
  constexpr int kFlags = sys::kPath | sys::kDirectory | sys::kCloseOnExec;
  constexpr uint64_t kResolve = sys::kResolveBeneath | sys::kResolveNoSymlinks | sys::kResolveNoMagicLinks;
  const long root = sys::OpenAt(sys::kAtFdCwd, "/", kFlags);
  if (root < 0) return static_cast<int>(root);
  const UniqueFd owner(static_cast<int>(root));
  // Beneath the root a path is relative, and the root itself is ".".
  while (*path == '/') path++;
  return static_cast<int>(sys::OpenAt2(owner.get(), *path == '\0' ? "." : path, kFlags, kResolve));
}

}  // namespace castellan
