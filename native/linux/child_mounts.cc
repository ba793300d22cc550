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

#include "syscalls.h"

namespace castellan {
namespace {

struct Device {
  const char* path;
  const char* name;
};
constexpr Device kDeviceFiles[] = {{"/dev/null", "null"},       {"/dev/zero", "zero"},
                                   {"/dev/full", "full"},       {"/dev/random", "random"},
                                   {"/dev/urandom", "urandom"}, {"/dev/tty", "tty"}};
constexpr int kDeviceCount = sizeof kDeviceFiles / sizeof kDeviceFiles[0];
constexpr Device kDeviceLinks[] = {{"/proc/self/fd", "fd"},
                                   {"/proc/self/fd/0", "stdin"},
                                   {"/proc/self/fd/1", "stdout"},
                                   {"/proc/self/fd/2", "stderr"},
                                   {"pts/ptmx", "ptmx"}};
constexpr unsigned kSetFlag = 0, kSetString = 1, kCreateSuperblock = 6;

struct Work {
  const Launch& launch;
  Report* report;
  // Where targets are looked up: the root itself, or the new root until the process moves into it.
  int root;
  int devices[kDeviceCount];
};

bool FailInChild(Work& work, long result, Stage stage = Stage::kMount, int32_t index = -1) {
  work.report->stage = stage;
  work.report->error = static_cast<int32_t>(-result);
  work.report->index = index;
  return false;
}

const char* Relative(const char* path) {
  while (*path == '/') path++;
  return *path == '\0' ? "." : path;
}

long OpenTargetInChild(const Work& work, const char* path) {
  return sys::OpenAt2(work.root, Relative(path), sys::kPath | sys::kCloseOnExec, sys::kResolveNoSymlinks);
}

bool MatchesPinInChild(const MountRecord& record, int fd) {
  sys::Statx found;
  if (!(record.flags & kPinned)) return true;
  if (sys::StatxOf(fd, &found) < 0) return false;
  return found.device_major == record.device_major && found.device_minor == record.device_minor &&
         found.inode == record.inode;
}

// A detached copy of what stands at a host path, with everything mounted below it.
long TakeTreeInChild(const MountRecord& record, const char* path) {
  const long fd = sys::OpenAt2(sys::kAtFdCwd, path, sys::kPath | sys::kCloseOnExec, sys::kResolveNoSymlinks);
  if (fd < 0) return fd;
  long tree = -sys::kESTALE;
  if (MatchesPinInChild(record, static_cast<int>(fd))) {
    tree = sys::OpenTree(static_cast<int>(fd), "",
                         sys::kOpenTreeClone | sys::kOpenTreeCloexec | sys::kAtEmptyPath | sys::kAtRecursive);
  }
  sys::Close(static_cast<int>(fd));
  return tree;
}

long RestrictTreeInChild(int tree, uint64_t set) {
  return sys::SetMountAttributes(tree, "", sys::kAtEmptyPath | sys::kAtRecursive,
                                 {set, 0, sys::kPropagationPrivate, 0});
}

// Puts `tree` on `path` of the new root and gives the descriptor up.
long AttachInChild(const Work& work, int tree, const char* path, const MountRecord* pinned) {
  long target = OpenTargetInChild(work, path);
  if (target < 0) {
    sys::Close(tree);
    return target;
  }
  long result = -sys::kESTALE;
  if (pinned == nullptr || MatchesPinInChild(*pinned, static_cast<int>(target))) {
    result = sys::MoveMountTo(tree, static_cast<int>(target));
  }
  sys::Close(static_cast<int>(target));
  sys::Close(tree);
  return result;
}

long MakeTmpfsInChild(const char* mode, uint64_t attributes) {
  const long context = sys::OpenFilesystem("tmpfs");
  if (context < 0) return context;
  const int fd = static_cast<int>(context);
  long result = sys::ConfigureFilesystem(fd, kSetString, "mode", mode);
  if (result >= 0) result = sys::ConfigureFilesystem(fd, kCreateSuperblock, nullptr, nullptr);
  if (result >= 0) result = sys::MakeMount(fd, static_cast<unsigned>(attributes));
  sys::Close(fd);
  return result;
}

long MakePtsInChild() {
  const long context = sys::OpenFilesystem("devpts");
  if (context < 0) return context;
  const int fd = static_cast<int>(context);
  long result = sys::ConfigureFilesystem(fd, kSetString, "mode", "620");
  if (result >= 0) result = sys::ConfigureFilesystem(fd, kSetString, "ptmxmode", "666");
  if (result >= 0) result = sys::ConfigureFilesystem(fd, kCreateSuperblock, nullptr, nullptr);
  if (result >= 0) result = sys::MakeMount(fd, sys::kMountNoSuid | sys::kMountNoExec);
  sys::Close(fd);
  return result;
}

bool TakeTreesInChild(Work& work) {
  const PlanView& plan = work.launch.plan;
  for (uint32_t i = 0; i < plan.header->mounts_count; i++) {
    const MountRecord& record = plan.mounts[i];
    if (record.kind != kBind || !(record.flags & (kWritable | kTakeFirst))) continue;
    const long tree = TakeTreeInChild(record, plan.Text(record.source));
    if (tree < 0) return FailInChild(work, tree, Stage::kMount, static_cast<int32_t>(i));
    work.launch.trees[i] = static_cast<int>(tree);
  }
  return true;
}

bool TakeDevicesInChild(Work& work) {
  const MountRecord unpinned{};
  for (int i = 0; i < kDeviceCount; i++) {
    const long tree = TakeTreeInChild(unpinned, kDeviceFiles[i].path);
    work.devices[i] = -1;
    if (tree == -sys::kENOENT)
      continue;  // a container without this device: the command does without it as well
    if (tree < 0) return FailInChild(work, tree, Stage::kMount, i);
    // Read-only stops changes of mode, owner and times, which would reach the host's device when its owner
    // asks for them; writing to a device is not stopped by it.
    const long result = RestrictTreeInChild(static_cast<int>(tree),
                                            sys::kMountReadOnly | sys::kMountNoSuid | sys::kMountNoExec);
    if (result < 0) return FailInChild(work, result, Stage::kMount, i);
    work.devices[i] = static_cast<int>(tree);
  }
  return true;
}

long StartFromHostTreeInChild(const MountRecord& record) {
  const uint64_t set =
      sys::kMountNoSuid | sys::kMountNoDev | (record.flags & kWritable ? 0 : sys::kMountReadOnly);
  return sys::SetMountAttributes(sys::kAtFdCwd, "/", sys::kAtRecursive,
                                 {set, 0, sys::kPropagationPrivate, 0});
}

// The new root is mounted over /dev, which every system has; all sources are taken before or by other paths.
long StartFromEmptyRootInChild(Work& work) {
  long result =
      sys::SetMountAttributes(sys::kAtFdCwd, "/", sys::kAtRecursive, {0, 0, sys::kPropagationPrivate, 0});
  if (result < 0) return result;
  const long tree = MakeTmpfsInChild("0111", sys::kMountNoSuid | sys::kMountNoDev);
  if (tree < 0) return tree;
  const long place = sys::OpenAt2(sys::kAtFdCwd, "/dev", sys::kPath | sys::kCloseOnExec, 0);
  if (place < 0) return place;
  result = sys::MoveMountTo(static_cast<int>(tree), static_cast<int>(place));
  sys::Close(static_cast<int>(place));
  if (result >= 0) work.root = static_cast<int>(tree);
  return result;
}

long BindInChild(Work& work, uint32_t index) {
  const PlanView& plan = work.launch.plan;
  const MountRecord& record = plan.mounts[index];
  uint64_t set = sys::kMountNoSuid | sys::kMountNoDev;
  long tree;
  if (!(record.flags & kWritable)) set |= sys::kMountReadOnly;
  if (record.flags & (kWritable | kTakeFirst)) {
    tree = work.launch.trees[index];
  } else {
    tree = TakeTreeInChild(record, plan.Text(record.source));
    if (tree < 0) return tree;
  }
  const long result = RestrictTreeInChild(static_cast<int>(tree), set);
  if (result < 0) return result;
  return AttachInChild(work, static_cast<int>(tree), plan.Text(record.target), nullptr);
}

long MaskDirectoryInChild(const Work& work, const MountRecord& record) {
  // Passable masks are sealed by an operation of their own, once their mount points are in place.
  const bool passable = (record.flags & kPassable) != 0;
  const uint64_t attributes = sys::kMountNoSuid | sys::kMountNoDev | (passable ? 0 : sys::kMountReadOnly);
  const long tree = MakeTmpfsInChild(passable ? "0111" : "0000", attributes);
  if (tree < 0) return tree;
  return AttachInChild(work, static_cast<int>(tree), work.launch.plan.Text(record.target), &record);
}

// An empty directory that can be looked into. Over what stands in for something missing.
long MaskMissingInChild(const Work& work, const MountRecord& record) {
  const long tree = MakeTmpfsInChild(
      "0555", sys::kMountReadOnly | sys::kMountNoSuid | sys::kMountNoDev | sys::kMountNoExec);
  if (tree < 0) return tree;
  return AttachInChild(work, static_cast<int>(tree), work.launch.plan.Text(record.target), nullptr);
}

// A device file on a mount without devices cannot be opened at all, by anybody, in any mode.
long MaskFileInChild(const Work& work, const MountRecord& record) {
  const MountRecord unpinned{};
  const long tree = TakeTreeInChild(unpinned, "/dev/null");
  if (tree < 0) return tree;
  const long result = RestrictTreeInChild(
      static_cast<int>(tree), sys::kMountReadOnly | sys::kMountNoSuid | sys::kMountNoDev | sys::kMountNoExec);
  if (result < 0) return result;
  return AttachInChild(work, static_cast<int>(tree), work.launch.plan.Text(record.target), &record);
}

long SealInChild(const Work& work, const char* path) {
  const long target = OpenTargetInChild(work, path);
  if (target < 0) return target;
  const long result = sys::SetMountAttributes(static_cast<int>(target), "", sys::kAtEmptyPath,
                                              {sys::kMountReadOnly, 0, 0, 0});
  sys::Close(static_cast<int>(target));
  return result;
}

// An existing directory is as good as a new one: a mask over a tree that already has the level.
long MakeDirectoryInChild(const Work& work, const char* path) {
  const long result = sys::MakeDirectoryAt(work.root, Relative(path), 0111);
  return result == -sys::kEEXIST ? 0 : result;
}

long MakeFileInChild(int directory, const char* path) {
  const long fd = sys::MakeFileAt(directory, path, 0);
  if (fd == -sys::kEEXIST) return 0;
  return fd < 0 ? fd : sys::Close(static_cast<int>(fd));
}

long MountBelowInChild(int directory, const char* name, long tree) {
  if (tree < 0) return tree;
  const long target = sys::OpenAt2(directory, name, sys::kPath | sys::kCloseOnExec, sys::kResolveNoSymlinks);
  if (target < 0) return target;
  const long result = sys::MoveMountTo(static_cast<int>(tree), static_cast<int>(target));
  sys::Close(static_cast<int>(target));
  sys::Close(static_cast<int>(tree));
  return result;
}

long FillDevicesInChild(const Work& work, int dev) {
  long result = 0;
  for (int i = 0; i < kDeviceCount; i++) {
    if (work.devices[i] < 0) continue;
    if ((result = MakeFileInChild(dev, kDeviceFiles[i].name)) < 0) return result;
    if ((result = MountBelowInChild(dev, kDeviceFiles[i].name, work.devices[i])) < 0) return result;
  }
  for (const Device& link : kDeviceLinks) {
    if ((result = sys::MakeSymlinkAt(link.path, dev, link.name)) < 0) return result;
  }
  if ((result = sys::MakeDirectoryAt(dev, "pts", 0755)) < 0) return result;
  if ((result = MountBelowInChild(dev, "pts", MakePtsInChild())) < 0) return result;
  if ((result = sys::MakeDirectoryAt(dev, "shm", 01777)) < 0) return result;
  result = MountBelowInChild(dev, "shm", MakeTmpfsInChild("1777", sys::kMountNoSuid | sys::kMountNoDev));
  if (result < 0) return result;
  return sys::SetMountAttributes(dev, "", sys::kAtEmptyPath, {sys::kMountReadOnly, 0, 0, 0});
}

long MakeDevicesInChild(Work& work) {
  const long dev = MakeTmpfsInChild("0755", sys::kMountNoSuid | sys::kMountNoDev | sys::kMountNoExec);
  if (dev < 0) return dev;
  long result = work.root == sys::kAtFdCwd ? 0 : MakeDirectoryInChild(work, "/dev");
  const long target = result < 0 ? result : OpenTargetInChild(work, "/dev");
  if (target < 0) return target;
  // Mounts can only be put on a tree that is part of the namespace, so /dev is attached before it is filled.
  result = sys::MoveMountTo(static_cast<int>(dev), static_cast<int>(target));
  sys::Close(static_cast<int>(target));
  if (result >= 0) result = FillDevicesInChild(work, static_cast<int>(dev));
  sys::Close(static_cast<int>(dev));
  return result;
}

long MakeProcInChild() {
  const long context = sys::OpenFilesystem("proc");
  if (context < 0) return context;
  const int fd = static_cast<int>(context);
  long result = sys::ConfigureFilesystem(fd, kCreateSuperblock, nullptr, nullptr);
  if (result >= 0) {
    result =
        sys::MakeMount(fd, sys::kMountReadOnly | sys::kMountNoSuid | sys::kMountNoDev | sys::kMountNoExec);
  }
  sys::Close(fd);
  return result;
}

// A PID namespace of its own gets a /proc of its own, which shows that namespace; otherwise it is the host's.
// Always read-only: user id 0 could change kernel settings otherwise, without any capability.
long ProvideProcessFilesInChild(Work& work) {
  const PlanHeader& plan = *work.launch.plan.header;
  const MountRecord& base = work.launch.plan.mounts[0];
  const bool own = (plan.flags & kOwnPid) != 0;
  if (!own && base.kind == kHostTree && !(base.flags & kWritable))
    return 0;  // it is the host's and read-only
  const MountRecord unpinned{};
  const long tree = own ? MakeProcInChild() : TakeTreeInChild(unpinned, "/proc");
  if (tree < 0) return tree;
  long result =
      RestrictTreeInChild(static_cast<int>(tree), sys::kMountReadOnly | sys::kMountNoSuid | sys::kMountNoDev);
  if (result >= 0 && work.root != sys::kAtFdCwd) result = MakeDirectoryInChild(work, "/proc");
  if (result < 0) return result;
  return AttachInChild(work, static_cast<int>(tree), "/proc", nullptr);
}

long CarryOutInChild(Work& work, uint32_t index) {
  const PlanView& plan = work.launch.plan;
  const MountRecord& record = plan.mounts[index];
  const char* target = plan.Text(record.target);
  switch (static_cast<MountKind>(record.kind)) {
    case kHostTree:
      return StartFromHostTreeInChild(record);
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
      return MakeFileInChild(work.root, Relative(target));
    case kMakeSymlink:
      return sys::MakeSymlinkAt(plan.Text(record.source), work.root, Relative(target));
    case kSeal:
      return SealInChild(work, target);
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
  if (work.root == sys::kAtFdCwd) return 0;
  long result = sys::ChangeDirectoryTo(work.root);
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

// A directory that nobody mounted on is an ordinary one, in which the command could create things.
static bool IsMountInChild(int fd) {
  constexpr uint64_t kMountRoot = 0x2000;  // STATX_ATTR_MOUNT_ROOT, Linux 5.8
  sys::Statx found;
  return sys::StatxOf(fd, &found) >= 0 && (found.attributes & kMountRoot) != 0;
}

// A mount stays on the directory it was put on, so a name that leads elsewhere after this look is not a name
// of the mount. What cannot be reached here cannot be reached by the command either; only what it may write
// to has to be.
bool VerifyBindsInChild(const PlanView& plan, Report* report) {
  for (uint32_t i = 0; i < plan.header->mounts_count; i++) {
    const MountRecord& record = plan.mounts[i];
    const bool missing = record.kind == kMaskMissing;
    if (!missing && (record.kind != kBind || !(record.flags & kPinned))) continue;
    const long target = sys::OpenAt2(sys::kAtFdCwd, plan.Text(record.target), sys::kPath | sys::kCloseOnExec,
                                     sys::kResolveNoSymlinks);
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

bool SetUpMountsInChild(const Launch& launch, Report* report) {
  Work work{launch, report, sys::kAtFdCwd, {}};
  // Relative targets are looked up from the root, whatever directory the host is in.
  long result = sys::ChangeDirectory("/");
  if (result < 0) return FailInChild(work, result, Stage::kRoot);
  if (!TakeTreesInChild(work)) return false;
  if (UsesDevices(launch.plan) && !TakeDevicesInChild(work)) return false;
  for (uint32_t i = 0; i < launch.plan.header->mounts_count; i++) {
    result = CarryOutInChild(work, i);
    if (result < 0) return FailInChild(work, result, Stage::kMount, static_cast<int32_t>(i));
  }
  result = MoveIntoRootInChild(work);
  return result >= 0 || FailInChild(work, result, Stage::kRoot);
}

}  // namespace castellan
