// Empty directories on the host that stand where nothing may be created (lib/host/placeholder.ts makes them
// and tells the protocol). This part removes what is left of them when their host is gone; it has no libc,
// because the guard process has none.
#ifndef CASTELLAN_LINUX_PLACEHOLDER_H_
#define CASTELLAN_LINUX_PLACEHOLDER_H_

#include <stddef.h>
#include <stdint.h>

namespace castellan {

// What the guard keeps in mind, in bytes of paths with their NULs. The launcher refuses more.
constexpr size_t kPlaceholderListSize = 64 * 1024;
// One note for the guard: a sign, the path, a NUL. Not more than a pipe takes at once (PIPE_BUF).
constexpr size_t kPlaceholderNoteSize = 4096;

// The paths of placeholders that their host has not removed yet. All zero is the empty list.
struct PlaceholderList {
  char text[kPlaceholderListSize];  // one after the other, each with its NUL
  size_t used;

  // `note`: "+PATH" or "-PATH".
  void Take(const char* note);
  // Tries each path once. Returns whether some are still locked by another process.
  bool RemoveAll();
};

}  // namespace castellan

#endif  // CASTELLAN_LINUX_PLACEHOLDER_H_
