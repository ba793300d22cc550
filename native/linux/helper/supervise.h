// How the helper looks after the command it started.
#ifndef CASTELLAN_LINUX_HELPER_SUPERVISE_H_
#define CASTELLAN_LINUX_HELPER_SUPERVISE_H_

#include <stdint.h>

#include "mount_watch.h"

namespace castellan {

// siginfo_t of a child that ended.
struct ChildInfo {
  int32_t signal, error, code, pad, pid, uid, status;
  char rest[100];
};
static_assert(sizeof(ChildInfo) == 128, "siginfo_t is 128 bytes");

// That nobody holds the other end any more becomes a signal (fcntl(2), F_SETOWN; pipe(7)): no guard is needed
// for it. 0 or -errno.
long WatchHost(int report);

// Waits for the command's end. Every signal is blocked and taken here: an exit is reaped, anything that was
// sent to this process is passed on to the command. What the terminal sends (by the kernel) the command has
// got itself. Without a host the command ends; `report`: see HostIsGone, -1 where another end is watched.
// When a mount is lost everything ends at once.
ChildInfo Supervise(int command, int report, MountWatch* watch);

// As the first process of a PID namespace: ends all others there, and returns when they are gone.
void EndNamespace();

}  // namespace castellan

#endif  // CASTELLAN_LINUX_HELPER_SUPERVISE_H_
