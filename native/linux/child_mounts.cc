// Carries out the mount operations of a plan image, in order, in a mount namespace of its own. Same rules as
// child.cc.
//
// Sources are host paths, targets are paths in the new root. A path is always walked without following links:
// plan paths are canonical, so a link found on the way was put there after the plan was made, and the launch
// ends. Pinned records also compare device and inode. Mount calls work on descriptors from then on, so
// nothing can be swapped between the look and the mount.
//
// Writable mounts, devices and what will be hidden below a mask are taken first, while the tree is as the
// host left it; then the tree becomes read-only as a whole (one call), and the operations put their mounts on
// top. Propagation is private: a file system that the host mounts later does not appear inside with the
// host's flags.
#include "child.h"

#include "child_mount_work.h"

namespace castellan {
namespace {

struct Device {
  const char* path;
  const char* target;
};
constexpr Device kDeviceLinks[] = {{"/proc/self/fd", "/dev/fd"},
                                   {"/proc/self/fd/0", "/dev/stdin"},
                                   {"/proc/self/fd/1", "/dev/stdout"},
                                   {"/proc/self/fd/2", "/dev/stderr"},
                                   {"pts/ptmx", "/dev/ptmx"}};

constexpr uint64_t kPlain = sys::kMountNoSuid | sys::kMountNoDev;
constexpr uint64_t kPlainReadOnly = kPlain | sys::kMountReadOnly;
constexpr uint64_t kInert = kPlainReadOnly | sys::kMountNoExec;

constexpr NewFilesystem Tmpfs(const char* mode, uint64_t attributes) {
  return {"tmpfs", attributes, {{"mode", mode}, {nullptr, nullptr}}};
}
constexpr NewFilesystem kPts = {"devpts",
                                sys::kMountNoSuid | sys::kMountNoExec,
                                {{"mode", "620"}, {"ptmxmode", "666"}, {nullptr, nullptr}}};
constexpr NewFilesystem kProc = {"proc", kInert, {{nullptr, nullptr}}};

bool TakeTreesInChild(Work& work) {
  const PlanView& plan = work.launch.plan;
  // Where the host's tree stays as it is, every source is still there when its turn comes.
  if (work.place.classic) return true;
  for (uint32_t i = 0; i < plan.header->mounts_count; i++) {
    const MountRecord& record = plan.mounts[i];
    if (record.kind != kBind || !(record.flags & (kWritable | kTakeFirst))) continue;
    const long tree = TakeInChild(work, &record, plan.Text(record.source));
    if (tree < 0) return FailInChild(work, tree, Stage::kMount, static_cast<int32_t>(i));
    work.launch.trees[i] = static_cast<int>(tree);
  }
  return true;
}

bool TakeDevicesInChild(Work& work) {
  for (int i = 0; i < kDeviceCount; i++) {
    const long tree = TakeInChild(work, nullptr, kDeviceFiles[i]);
    work.devices[i] = -1;
    if (tree == -sys::kENOENT)
      continue;  // a container without this device: the command does without it as well
    if (tree < 0) return FailInChild(work, tree, Stage::kMount, i);
    work.devices[i] = static_cast<int>(tree);
  }
  return true;
}

// The new root is mounted over /dev; all sources are taken before or by other paths.
long OpenStagedRootInChild(Work& work, long result) {
  if (result < 0) return result;
  const long root = OpenPlainInChild(kStagingPlace);
  if (root >= 0) work.place.root = static_cast<int>(root);
  return root;
}

long StartFromHostTreeInChild(Work& work, const MountRecord& record) {
  const uint64_t set = record.flags & kWritable ? kPlain : kPlainReadOnly;
  if (!work.place.classic) {
    return sys::SetMountAttributes(sys::kAtFdCwd, "/", sys::kAtRecursive,
                                   {set, 0, sys::kPropagationPrivate, 0});
  }
  long result = MakePrivateInChild(true);
  if (result < 0) return result;
  const long host = OpenPlainInChild("/");
  const long target = OpenPlainInChild(kStagingPlace);
  if (host < 0 || target < 0) return host < 0 ? host : target;
  result = PlaceTreeInChild(work.place, static_cast<int>(host), set, static_cast<int>(target), "/");
  sys::Close(static_cast<int>(host));
  sys::Close(static_cast<int>(target));
  return OpenStagedRootInChild(work, result);
}

long StartFromEmptyRootInChild(Work& work) {
  const long result = MakePrivateInChild(work.place.classic);
  if (result < 0) return result;
  const long target = OpenPlainInChild(kStagingPlace);
  if (target < 0) return target;
  if (!work.place.classic) {
    work.null_file = static_cast<int>(OpenPlainInChild(kDeviceFiles[kNullDevice]));
  }
  const long placed = PlaceFilesystemInChild(work.place, Tmpfs("0111", kPlain), static_cast<int>(target));
  sys::Close(static_cast<int>(target));
  return OpenStagedRootInChild(work, placed);
}

long BindInChild(Work& work, uint32_t index) {
  const PlanView& plan = work.launch.plan;
  const MountRecord& record = plan.mounts[index];
  const bool taken = !work.place.classic && (record.flags & (kWritable | kTakeFirst));
  const long tree = taken ? work.launch.trees[index] : TakeInChild(work, &record, plan.Text(record.source));
  if (taken && (record.flags & kWritable) && !HasOwnRoot(work)) CoverInChild(work, plan.Text(record.target));
  return PlaceInChild(work, tree, record.flags & kWritable ? kPlain : kPlainReadOnly,
                      plan.Text(record.target));
}

long MaskDirectoryInChild(const Work& work, const MountRecord& record) {
  // Passable masks are sealed by an operation of their own, once their mount points are in place.
  const bool passable = (record.flags & kPassable) != 0;
  const NewFilesystem mask = Tmpfs(passable ? "0111" : "0000", passable ? kPlain : kPlainReadOnly);
  return PlaceNewInChild(work, mask, work.launch.plan.Text(record.target), &record);
}

// An empty directory that can be looked into. Over what stands in for something missing.
long MaskMissingInChild(const Work& work, const MountRecord& record) {
  return PlaceNewInChild(work, Tmpfs("0555", kInert), work.launch.plan.Text(record.target));
}

// A device file on a mount without devices cannot be opened at all, by anybody, in any mode.
long MaskFileInChild(const Work& work, const MountRecord& record) {
  // By path it is behind the new root, where that is built over /dev.
  long tree = -sys::kENOENT;
  if (work.place.classic) {
    tree = sys::DuplicateAbove(work.devices[kNullDevice], 0);
  } else if (HasOwnRoot(work)) {
    tree = work.null_file < 0 ? work.null_file : TakeTreeInChild(false, work.null_file);
  } else {
    tree = TakeInChild(work, nullptr, kDeviceFiles[kNullDevice]);
  }
  return PlaceInChild(work, tree, kInert, work.launch.plan.Text(record.target), &record);
}

long SealInChild(const Work& work, const char* path, uint64_t own) {
  const long target = OpenTargetInChild(work, path);
  if (target < 0) return target;
  const long result = AddAttributesInChild(work.place, static_cast<int>(target), own, sys::kMountReadOnly);
  sys::Close(static_cast<int>(target));
  return result;
}

// An existing directory is as good as a new one: a mask over a tree that already has the level.
long MakeDirectoryInChild(const Work& work, const char* path, int mode = 0111) {
  const long result = sys::MakeDirectoryAt(work.place.root, RelativeInChild(path), mode);
  return result == -sys::kEEXIST ? 0 : result;
}

long MakeFileInChild(const Work& work, const char* path) {
  const long fd = sys::MakeFileAt(work.place.root, RelativeInChild(path), 0);
  if (fd == -sys::kEEXIST) return 0;
  return fd < 0 ? fd : sys::Close(static_cast<int>(fd));
}

long MakeSymlinkInChild(const Work& work, const char* to, const char* path) {
  return sys::MakeSymlinkAt(to, work.place.root, RelativeInChild(path));
}

long FillDevicesInChild(Work& work) {
  long result = 0;
  for (int i = 0; i < kDeviceCount; i++) {
    if (work.devices[i] < 0) continue;
    if ((result = MakeFileInChild(work, kDeviceFiles[i])) < 0) return result;
    // Read-only stops changes of mode, owner and times, which would reach the host's device when its owner
    // asks for them; writing to a device is not stopped by it.
    const uint64_t set = sys::kMountReadOnly | sys::kMountNoSuid | sys::kMountNoExec;
    const long device = i == kNullDevice ? sys::DuplicateAbove(work.devices[i], 0) : work.devices[i];
    if ((result = PlaceInChild(work, device, set, kDeviceFiles[i])) < 0) return result;
  }
  for (const Device& link : kDeviceLinks) {
    if ((result = MakeSymlinkInChild(work, link.path, link.target)) < 0) return result;
  }
  if ((result = MakeDirectoryInChild(work, "/dev/pts", 0755)) < 0) return result;
  if ((result = PlaceNewInChild(work, kPts, "/dev/pts")) < 0) return result;
  if ((result = MakeDirectoryInChild(work, "/dev/shm", 01777)) < 0) return result;
  return PlaceNewInChild(work, Tmpfs("1777", kPlain), "/dev/shm");
}

long MakeDevicesInChild(Work& work) {
  const NewFilesystem devices = Tmpfs("0755", kPlain | sys::kMountNoExec);
  long result = HasOwnRoot(work) ? MakeDirectoryInChild(work, "/dev") : 0;
  // Mounts can only be put on a tree that is part of the namespace, so /dev is in place before it is filled.
  if (result >= 0) result = PlaceNewInChild(work, devices, "/dev");
  if (result >= 0) result = FillDevicesInChild(work);
  return result < 0 ? result : SealInChild(work, "/dev", devices.attributes);
}

// A PID namespace of its own gets a /proc of its own, which shows that namespace; otherwise it is the host's.
// Always read-only: user id 0 could change kernel settings otherwise, without any capability.
long ProvideProcessFilesInChild(Work& work) {
  const PlanHeader& plan = *work.launch.plan.header;
  const MountRecord& base = work.launch.plan.mounts[0];
  const bool own = (plan.flags & kOwnPid) != 0;
  if (!own && base.kind == kHostTree && !(base.flags & kWritable))
    return 0;  // it is the host's and read-only
  const long result = HasOwnRoot(work) ? MakeDirectoryInChild(work, "/proc") : 0;
  if (result < 0) return result;
  return own ? PlaceNewInChild(work, kProc, "/proc")
             : PlaceInChild(work, TakeInChild(work, nullptr, "/proc"), kPlainReadOnly, "/proc");
}

long CarryOutInChild(Work& work, uint32_t index) {
  const PlanView& plan = work.launch.plan;
  const MountRecord& record = plan.mounts[index];
  const char* target = plan.Text(record.target);
  switch (static_cast<MountKind>(record.kind)) {
    case kHostTree:
      return StartFromHostTreeInChild(work, record);
    case kEmptyRoot:
      return StartFromEmptyRootInChild(work);
    case kBind:
      return BindInChild(work, index);
    case kMaskDirectory:
      return MaskDirectoryInChild(work, record);
    case kMaskFile:
      return MaskFileInChild(work, record);
    case kMaskMissing:
      return MaskMissingInChild(work, record);
    case kMakeDirectory:
      return MakeDirectoryInChild(work, target);
    case kMakeFile:
      return MakeFileInChild(work, target);
    case kMakeSymlink:
      return MakeSymlinkInChild(work, plan.Text(record.source), target);
    case kSeal:
      return SealInChild(work, target, kPlain);
    case kDevices:
      return MakeDevicesInChild(work);
    case kProcessFiles:
      return ProvideProcessFilesInChild(work);
    case kMountKinds:
      break;
  }
  return -sys::kEINVAL;
}

// pivot_root(".", ".") stacks the old root on the new one; detaching it leaves the new root alone
// (pivot_root(2)).
long MoveIntoRootInChild(const Work& work) {
  if (!HasOwnRoot(work)) return 0;
  long result = sys::ChangeDirectoryTo(work.place.root);
  if (result >= 0) result = sys::PivotRoot(".", ".");
  if (result >= 0) result = sys::Unmount(".", static_cast<int>(sys::kDetach));
  return result < 0 ? result : sys::ChangeDirectory("/");
}

bool UsesDevices(const PlanView& plan) {
  for (uint32_t i = 0; i < plan.header->mounts_count; i++) {
    if (plan.mounts[i].kind == kDevices) return true;
  }
  return false;
}

}  // namespace

bool SetUpMountsInChild(const Launch& launch, Report* report) {
  Work work{launch, report, {sys::kAtFdCwd, !HasTreeCallsInChild()}, {}, -1, {}};
  // Relative targets are looked up from the root, whatever directory the host is in.
  long result = sys::ChangeDirectory("/");
  if (result < 0) return FailInChild(work, result, Stage::kRoot);
  if (!TakeTreesInChild(work)) return false;
  if ((work.place.classic || UsesDevices(launch.plan)) && !TakeDevicesInChild(work)) return false;
  for (uint32_t i = 0; i < launch.plan.header->mounts_count; i++) {
    result = CarryOutInChild(work, i);
    if (result < 0) return FailInChild(work, result, Stage::kMount, static_cast<int32_t>(i));
  }
  result = MoveIntoRootInChild(work);
  return result >= 0 || FailInChild(work, result, Stage::kRoot);
}

}  // namespace castellan
