// Memory of the helper program, which has no libc: what it allocates it keeps until its end.
#ifndef CASTELLAN_LINUX_HELPER_MEMORY_H_
#define CASTELLAN_LINUX_HELPER_MEMORY_H_

#include "../child.h"
#include "../syscalls.h"

namespace castellan {

constexpr int kExitFailed = 125;

inline void* Allocate(size_t size) {
  const long result = sys::Call(__NR_mmap, 0, static_cast<long>(size), 3 /* READ|WRITE */,
                                0x22 /* PRIVATE|ANONYMOUS */, -1, 0);
  if (result < 0 && result > -4096) sys::Exit(kExitFailed);
  return reinterpret_cast<void*>(result);
}

struct Image {
  const uint8_t* data;
  size_t size;
};

// What a file holds; null data when it cannot be mapped.
inline Image MapImage(int fd) {
  sys::Statx found;
  if (sys::StatxOf(fd, &found) < 0 || found.size == 0) return {nullptr, 0};
  const long result =
      sys::Call(__NR_mmap, 0, static_cast<long>(found.size), 1 /* READ */, 2 /* PRIVATE */, fd, 0);
  if (result < 0 && result > -4096) return {nullptr, 0};
  return {reinterpret_cast<const uint8_t*>(result), found.size};
}

// Descriptors 0 … count-1 stay where they are.
inline DescriptorMove* SameDescriptors(uint32_t count) {
  auto* moves = static_cast<DescriptorMove*>(Allocate((count + 1) * sizeof(DescriptorMove)));
  for (uint32_t i = 0; i < count; i++) moves[i] = {static_cast<int>(i), static_cast<int>(i)};
  return moves;
}

// For memory that two processes share; null when there is none.
inline void* AllocateShared() {
  const long result = sys::Call(__NR_mmap, 0, 4096, 3 /* READ|WRITE */, 0x21 /* SHARED|ANONYMOUS */, -1, 0);
  return result < 0 && result > -4096 ? nullptr : reinterpret_cast<void*>(result);
}

}  // namespace castellan

#endif  // CASTELLAN_LINUX_HELPER_MEMORY_H_
