// Looks at a tree that another program made, bubblewrap, before anything runs in it. Same rules as child.cc.
#include "child.h"

#include "open_path.h"
#include "pin.h"
#include "syscalls.h"

namespace castellan {
namespace {

// A directory that nobody mounted on is an ordinary one, in which the command could create things.
bool IsMountInChild(int fd) {
  constexpr uint64_t kMountRoot = 0x2000;  // STATX_ATTR_MOUNT_ROOT, Linux 5.8
  sys::Statx found;
  return sys::StatxOf(fd, &found) >= 0 && (found.attributes & kMountRoot) != 0;
}

}  // namespace

// A mount stays on the directory it was put on, so a name that leads elsewhere after this look is not a name
// of the mount. What cannot be reached here cannot be reached by the command either; only what it may write
// to has to be.
bool VerifyBindsInChild(const PlanView& plan, Report* report) {
  for (uint32_t i = 0; i < plan.header->mounts_count; i++) {
    const MountRecord& record = plan.mounts[i];
    const bool missing = record.kind == kMaskMissing;
    if (!missing && (record.kind != kBind || !(record.flags & kPinned))) continue;
    const long target = OpenWithoutLinksInChild(sys::kAtFdCwd, plan.Text(record.target));
    if (target == -sys::kEACCES && !(record.flags & kWritable)) continue;
    const bool same = target >= 0 && (missing ? IsMountInChild(static_cast<int>(target))
                                              : MatchesPinInChild(record, static_cast<int>(target)));
    if (target >= 0) sys::Close(static_cast<int>(target));
    if (same) continue;
    *report = Report{Stage::kMount, static_cast<int32_t>(target < 0 ? -target : sys::kESTALE),
                     static_cast<int32_t>(i)};
    return false;
  }
  return true;
}

}  // namespace castellan
