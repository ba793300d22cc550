// What the mount operations of one launch have in common: where paths of the host and of the new root are
// opened, and how trees are taken and put. Same rules as child.cc.
#ifndef CASTELLAN_LINUX_CHILD_MOUNT_WORK_H_
#define CASTELLAN_LINUX_CHILD_MOUNT_WORK_H_

#include "child.h"
#include "child_mount_calls.h"
#include "open_path.h"
#include "pin.h"
#include "syscalls.h"

namespace castellan {

constexpr const char* kDeviceFiles[] = {"/dev/null",   "/dev/zero",    "/dev/full",
                                        "/dev/random", "/dev/urandom", "/dev/tty"};
constexpr int kDeviceCount = sizeof kDeviceFiles / sizeof kDeviceFiles[0];
constexpr int kNullDevice = 0;

// The directory of the host that the last writable mount covers. What lies below it is looked up from here,
// on the mount underneath: copying a tree looks at every mount that was put on the one it is copied from, and
// all mounts below a writable directory are put on that one.
struct Covered {
  const char* path = nullptr;
  int directory = -1;
};

struct Work {
  const Launch& launch;
  Report* report;
  MountPlace place;
  int devices[kDeviceCount];
  int null_file = -1;  // /dev/null, where an empty root is built over it
  Covered covered;
};

inline bool FailInChild(Work& work, long result, Stage stage = Stage::kMount, int32_t index = -1) {
  work.report->stage = stage;
  work.report->error = static_cast<int32_t>(-result);
  work.report->index = index;
  return false;
}

inline bool HasOwnRoot(const Work& work) {
  return work.place.root != sys::kAtFdCwd;
}

inline long OpenTargetInChild(const Work& work, const char* path) {
  return OpenWithoutLinksInChild(work.place.root, RelativeInChild(path));
}

// What is left of `path` below the directory, or null.
inline const char* BelowInChild(const char* directory, const char* path) {
  while (*directory != '\0') {
    if (*path++ != *directory++) return nullptr;
  }
  return path[0] == '/' && path[1] != '\0' ? path + 1 : nullptr;
}

inline long OpenSourceInChild(const Work& work, const char* path) {
  const Covered& covered = work.covered;
  const char* rest = covered.path == nullptr ? nullptr : BelowInChild(covered.path, path);
  return rest == nullptr ? OpenWithoutLinksInChild(sys::kAtFdCwd, path)
                         : OpenWithoutLinksInChild(covered.directory, rest);
}

// What stands at a host path, with everything mounted below it.
inline long TakeInChild(const Work& work, const MountRecord* pinned, const char* path) {
  const long fd = OpenSourceInChild(work, path);
  if (fd < 0) return fd;
  long tree = -sys::kESTALE;
  if (pinned == nullptr || MatchesPinInChild(*pinned, static_cast<int>(fd))) {
    tree = TakeTreeInChild(work.place.classic, static_cast<int>(fd));
  }
  sys::Close(static_cast<int>(fd));
  return tree;
}

// Puts `tree` on `path` of the new root and gives the descriptor up.
inline long PlaceInChild(const Work& work, long tree, uint64_t attributes, const char* path,
                         const MountRecord* pinned = nullptr) {
  if (tree < 0) return tree;
  long result = -sys::kESTALE;
  const long target = OpenTargetInChild(work, path);
  if (target < 0) {
    result = target;
  } else {
    const int fd = static_cast<int>(target);
    if (pinned == nullptr || MatchesPinInChild(*pinned, fd))
      result = PlaceTreeInChild(work.place, static_cast<int>(tree), attributes, fd, path);
    sys::Close(fd);
  }
  sys::Close(static_cast<int>(tree));
  return result;
}

inline long PlaceNewInChild(const Work& work, const NewFilesystem& filesystem, const char* path,
                            const MountRecord* pinned = nullptr) {
  const long target = OpenTargetInChild(work, path);
  if (target < 0) return target;
  const int fd = static_cast<int>(target);
  long result = -sys::kESTALE;
  if (pinned == nullptr || MatchesPinInChild(*pinned, fd))
    result = PlaceFilesystemInChild(work.place, filesystem, fd);
  sys::Close(fd);
  return result;
}

// To be called before the mount is put there. Without it paths are looked up from the root, which is only
// slower.
inline void CoverInChild(Work& work, const char* path) {
  if (work.covered.directory >= 0) sys::Close(work.covered.directory);
  work.covered = {};
  const long directory = OpenTargetInChild(work, path);
  if (directory >= 0) work.covered = {path, static_cast<int>(directory)};
}

}  // namespace castellan

#endif  // CASTELLAN_LINUX_CHILD_MOUNT_WORK_H_
