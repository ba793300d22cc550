// Whether what closes a place for the command still lies there.
//
// A mount belongs to the directory or file it was put on. When somebody outside the sandbox removes that, or
// renames another over it, the kernel takes the mount away in every mount namespace (rename(2), unlink(2)
// since Linux 3.18); when somebody renames it, the mount moves along, and the name is free for something
// else. Both would open the place.
#ifndef CASTELLAN_LINUX_HELPER_MOUNT_WATCH_H_
#define CASTELLAN_LINUX_HELPER_MOUNT_WATCH_H_

#include <stdint.h>

#include "../image.h"

namespace castellan {

struct MountWatch {
  PlanView plan{};
  uint64_t* ids = nullptr;  // of the mount that a record put on its target; 0: not looked after
  int64_t tick = 0;         // nanoseconds between two looks
  int table = -1;           // tells of changes to the table of mounts; -1 where /proc cannot be read
  int signals = -1;         // is readable when a signal waits
  int32_t lost = -1;        // the record whose mount is gone
};

// Looks at every place that the plan closes. Returns 0, or -errno with the record in `lost`: ESTALE when a
// mount is gone already. Opens nothing where the plan closes nothing. Every signal must be blocked.
long StartMountWatch(const PlanView& plan, MountWatch* watch);

// Whether a mount is gone; once it is, the answer stays.
bool HasLostMount(MountWatch* watch);

// Waits for a signal, for a change to the table of mounts, or for the time of the next look.
void AwaitSignalOrMount(const MountWatch& watch);

}  // namespace castellan

#endif  // CASTELLAN_LINUX_HELPER_MOUNT_WATCH_H_
