// See placeholder.h. No libc here.
#include "placeholder.h"

#include "syscalls.h"

namespace castellan {
namespace {

// The twin of `isMarked` in lib/host/placeholder-mark.ts.
constexpr int64_t kMarkSeconds = 549864182;  // 1987-06-05T04:03:02Z
constexpr uint16_t kStickyBit = 01000, kWriteBits = 0222;

bool IsMarked(const sys::Statx& found) {
  return (found.mode & (kStickyBit | kWriteBits)) == kStickyBit || found.modify_time.seconds == kMarkSeconds;
}

bool StandsAt(const char* path, const sys::Statx& expected) {
  const long opened =
      sys::OpenAt(sys::kAtFdCwd, path, sys::kPath | sys::kNoFollow | sys::kCloseOnExec | sys::kDirectory);
  if (opened < 0) return false;
  sys::Statx found;
  const long result = sys::StatxOf(static_cast<int>(opened), &found);
  sys::Close(static_cast<int>(opened));
  return result >= 0 && found.inode == expected.inode && found.device_major == expected.device_major &&
         found.device_minor == expected.device_minor;
}

// Whoever uses a placeholder holds a shared lock on it, so the exclusive one says that nobody does. The call
// that removes it removes nothing that is not empty. Returns whether another process holds it.
bool RemoveOne(const char* path) {
  const long opened =
      sys::OpenAt(sys::kAtFdCwd, path, sys::kReadOnly | sys::kDirectory | sys::kNoFollow | sys::kCloseOnExec);
  if (opened < 0) return false;
  const int fd = static_cast<int>(opened);
  sys::Statx found;
  bool held = false;
  if (sys::StatxOf(fd, &found) >= 0 && IsMarked(found)) {
    const long locked = sys::LockExclusivelyNow(fd);
    held = locked == -sys::kEAGAIN;
    if (locked >= 0 && StandsAt(path, found)) sys::RemoveDirectory(path);
  }
  sys::Close(fd);
  return held;
}

size_t SizeWithNul(const char* text) {
  size_t length = 0;
  while (text[length] != '\0') length++;
  return length + 1;
}

bool Equal(const char* a, const char* b) {
  while (*a != '\0' && *a == *b) a++, b++;
  return *a == *b;
}

}  // namespace

void PlaceholderList::Take(const char* note) {
  const char* path = note + 1;
  const size_t size = SizeWithNul(path);
  if (note[0] == '+') {
    if (used + size > sizeof text) return;
    for (size_t i = 0; i < size; i++) text[used + i] = path[i];
    used += size;
    return;
  }
  for (size_t at = 0; at < used; at += SizeWithNul(text + at)) {
    if (!Equal(text + at, path)) continue;
    for (size_t i = at; i + size < used; i++) text[i] = text[i + size];
    used -= size;
    return;
  }
}

bool PlaceholderList::RemoveAll() {
  bool held = false;
  for (size_t at = 0; at < used; at += SizeWithNul(text + at)) held = RemoveOne(text + at) || held;
  return held;
}

}  // namespace castellan
