// Whether a descriptor is of the file that a plan was made for. Same rules as child.cc.
#ifndef CASTELLAN_LINUX_PIN_H_
#define CASTELLAN_LINUX_PIN_H_

#include "image.h"
#include "syscalls.h"

namespace castellan {

inline bool MatchesPinInChild(const MountRecord& record, int fd) {
  sys::Statx found;
  if (!(record.flags & kPinned)) return true;
  if (sys::StatxOf(fd, &found) < 0) return false;
  return found.device_major == record.device_major && found.device_minor == record.device_minor &&
         found.inode == record.inode;
}

}  // namespace castellan

#endif  // CASTELLAN_LINUX_PIN_H_
