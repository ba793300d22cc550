// See mount_watch.h.
#include "mount_watch.h"

#include "../syscalls.h"
#include "memory.h"

namespace castellan {
namespace {

constexpr int64_t kTickNs = 100'000'000;
// So that thousands of places do not keep a processor busy.
constexpr uint32_t kPlacesPerTick = 256;

// Writable binds give access; without one there is less of it.
bool Closes(const MountRecord& record) {
  return record.kind == kMaskFile || record.kind == kMaskDirectory || record.kind == kMaskMissing ||
         (record.kind == kBind && !(record.flags & kWritable));
}

// Asks the kernel only, never a file system whose server might not answer.
long LookAt(const char* path, sys::Statx* found) {
  constexpr int kFlags = sys::kAtSymlinkNofollow | 0x4000 /* AT_STATX_DONT_SYNC */;
  return sys::Call(__NR_statx, sys::kAtFdCwd, sys::Word(path), kFlags, 0x1000 /* STATX_MNT_ID */,
                   sys::Word(found));
}

long Begin(MountWatch* watch, uint32_t index) {
  constexpr uint64_t kMountRoot = 0x2000;  // STATX_ATTR_MOUNT_ROOT
  sys::Statx found;
  const long result = LookAt(watch->plan.Text(watch->plan.mounts[index].target), &found);
  // What this process cannot reach the command cannot reach either: they are held to the same.
  if (result == -sys::kEACCES) return 0;
  if (result >= 0 && (found.attributes & kMountRoot) != 0) {
    watch->ids[index] = found.mount_id;
    return 0;
  }
  watch->lost = static_cast<int32_t>(index);
  return result < 0 ? result : -sys::kESTALE;
}

}  // namespace

long StartMountWatch(const PlanView& plan, MountWatch* watch) {
  const uint32_t count = plan.header->mounts_count;
  uint32_t places = 0;
  for (uint32_t i = 0; i < count; i++) places += Closes(plan.mounts[i]) ? 1 : 0;
  if (places == 0) return 0;
  watch->plan = plan;
  watch->tick = kTickNs * (1 + places / kPlacesPerTick);
  // Before the first look, so that nothing happens between the two.
  watch->table = static_cast<int>(
      sys::OpenAt(sys::kAtFdCwd, "/proc/self/mountinfo", sys::kReadOnly | sys::kCloseOnExec));
  const uint64_t all = ~0ull;
  const long signals =
      sys::Call(__NR_signalfd4, -1, sys::Word(&all), sizeof all, sys::kCloseOnExec | sys::kNonBlock);
  if (signals < 0) return signals;
  watch->signals = static_cast<int>(signals);
  watch->ids = static_cast<uint64_t*>(Allocate(count * sizeof(uint64_t)));
  for (uint32_t i = 0; i < count; i++) {
    const long result = Closes(plan.mounts[i]) ? Begin(watch, i) : 0;
    if (result < 0) return result;
  }
  return 0;
}

bool HasLostMount(MountWatch* watch) {
  if (watch->ids == nullptr || watch->lost >= 0) return watch->lost >= 0;
  for (uint32_t i = 0; i < watch->plan.header->mounts_count; i++) {
    if (watch->ids[i] == 0) continue;
    sys::Statx found;
    // A name that leads nowhere is free for whatever the command or somebody else puts there.
    if (LookAt(watch->plan.Text(watch->plan.mounts[i].target), &found) >= 0 &&
        found.mount_id == watch->ids[i])
      continue;
    watch->lost = static_cast<int32_t>(i);
    return true;
  }
  return false;
}

void AwaitSignalOrMount(const MountWatch& watch) {
  struct {
    int fd;
    int16_t events, found;
  } awaited[2] = {{watch.signals, 1 /* POLLIN */, 0}, {watch.table, 2 /* POLLPRI */, 0}};
  const int64_t tick[2] = {watch.tick / 1'000'000'000, watch.tick % 1'000'000'000};
  sys::Call(__NR_ppoll, sys::Word(awaited), 2, sys::Word(tick), 0, 8);
}

}  // namespace castellan
