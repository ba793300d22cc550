// The mounts that child_mounts.cc is made of, made in one of two ways. Same rules as child.cc.
//
// With open_tree, move_mount and mount_setattr (Linux 5.12) a tree is taken, restricted while nobody sees it,
// and put in place. Older kernels and the filters of some containers lack them; there mount(2) does the same:
// the new root is built over /dev, every source is looked up in the host's tree, which stays as it is, and a
// tree is restricted mount by mount once it is in place. No command runs before the last step either way.
#ifndef CASTELLAN_LINUX_CHILD_MOUNT_CALLS_H_
#define CASTELLAN_LINUX_CHILD_MOUNT_CALLS_H_

#include "syscalls.h"

namespace castellan {

// Where the new root is built until the process moves into it: every system has this directory.
constexpr const char* kStagingPlace = "/dev";

struct MountPlace {
  // Where targets are looked up: the root itself (sys::kAtFdCwd), or the new root.
  int root;
  // Whether mount(2) makes the mounts; the new root is at kStagingPlace then.
  bool classic;
};

// A file system of its own. Options are pairs; a null key ends them.
struct NewFilesystem {
  const char* type;
  uint64_t attributes;  // sys::kMount…
  struct {
    const char *key, *value;
  } options[3];
};

// Whether the kernel, and a filter that this process may be under, lets the calls of Linux 5.12 through.
// Changes nothing.
bool HasTreeCallsInChild();

// All propagation off, below the root.
long MakePrivateInChild(bool classic);

// What stands at `source` with everything mounted below it: a detached copy or, for mount(2), the place
// itself.
long TakeTreeInChild(bool classic, int source);

// `path` is a path of the new root, `target` what was found there; `tree` comes from TakeTreeInChild.
// Everything in it gets `attributes` on top of its own. None of the descriptors is closed.
long PlaceTreeInChild(const MountPlace& place, int tree, uint64_t attributes, int target, const char* path);

long PlaceFilesystemInChild(const MountPlace& place, const NewFilesystem& filesystem, int target);

// Gives the mount whose root is `target`, which PlaceFilesystemInChild made with `own` attributes, these ones
// as well.
long AddAttributesInChild(const MountPlace& place, int target, uint64_t own, uint64_t added);

// `path` without what makes it absolute.
inline const char* RelativeInChild(const char* path) {
  while (*path == '/') path++;
  return *path == '\0' ? "." : path;
}

}  // namespace castellan

#endif  // CASTELLAN_LINUX_CHILD_MOUNT_CALLS_H_
