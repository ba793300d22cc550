// See child_mount_calls.h.
#include "child_mount_calls.h"

#include "child_mount_lines.h"
#include "open_path.h"

namespace castellan {
namespace {

constexpr unsigned kSetString = 1, kCreateSuperblock = 6;
constexpr unsigned long kMsRemount = 32, kMsBind = 4096, kMsRecursive = 16384, kMsPrivate = 1ul << 18;

// "/proc/self/fd/N": leads to exactly what the descriptor holds, whatever is mounted over it.
struct DescriptorPath {
  char text[32];

  explicit DescriptorPath(int fd) {
    char* at = text;
    for (const char* prefix = "/proc/self/fd/"; *prefix != '\0'; prefix++) *at++ = *prefix;
    char digits[10];
    int count = 0;
    do digits[count++] = static_cast<char>('0' + fd % 10);
    while ((fd /= 10) != 0);
    while (count > 0) *at++ = digits[--count];
    *at = '\0';
  }
};

long RemountInChild(int fd, uint64_t attributes) {
  return sys::Mount(nullptr, DescriptorPath(fd).text, nullptr, kMsRemount | kMsBind | attributes, nullptr);
}

size_t LengthInChild(const char* text) {
  size_t length = 0;
  while (text[length] != '\0') length++;
  return length;
}

// A mount below a directory that this user may not enter: the command may not either, unless somebody opens
// that directory while it runs. So that it finds nothing even then, what can be reached of the way is
// covered.
long CoverWayInChild(char* path, size_t length) {
  for (;;) {
    while (length > 0 && path[length - 1] != '/') length--;
    if (length <= LengthInChild(kStagingPlace) + 1) return -sys::kEACCES;
    path[--length] = '\0';
    const long fd = OpenWithoutLinksInChild(sys::kAtFdCwd, path);
    if (fd == -sys::kEACCES) continue;
    if (fd < 0) return fd;
    const uint64_t closed = sys::kMountReadOnly | sys::kMountNoSuid | sys::kMountNoDev | sys::kMountNoExec;
    const long result =
        sys::Mount("tmpfs", DescriptorPath(static_cast<int>(fd)).text, "tmpfs", closed, "mode=0000");
    sys::Close(static_cast<int>(fd));
    return result;
  }
}

// Mounts of a less privileged namespace keep the attributes they came with: leaving one out is EPERM
// (mount_namespaces(7)), so each gets its own and the new ones. What another mount covers cannot be reached.
long RestrictLineInChild(MountLine& line, uint64_t attributes) {
  const long fd = OpenWithoutLinksInChild(sys::kAtFdCwd, line.path);
  if (fd == -sys::kENOENT || fd == -sys::kENOTDIR) return 0;
  if (fd == -sys::kEACCES) return CoverWayInChild(line.path, line.path_length);
  if (fd < 0) return fd;
  uint64_t found = 0;
  long result = sys::MountIdOf(static_cast<int>(fd), &found);
  if (result >= 0 && found == line.id)
    result = RemountInChild(static_cast<int>(fd), line.attributes | attributes);
  sys::Close(static_cast<int>(fd));
  return result;
}

// True when `path` is `base` followed by `rest`, or lies below that.
bool IsAtOrBelowInChild(const char* path, const char* base, const char* rest) {
  while (*base != '\0') {
    if (*path++ != *base++) return false;
  }
  rest = RelativeInChild(rest);
  if (rest[0] == '.' && rest[1] == '\0') return *path == '\0' || *path == '/';
  if (*path++ != '/') return false;
  while (*rest != '\0') {
    if (*path++ != *rest++) return false;
  }
  return *path == '\0' || *path == '/';
}

long RestrictBelowInChild(const char* path, uint64_t attributes) {
  const long fd = sys::OpenAt(sys::kAtFdCwd, "/proc/self/mountinfo", sys::kReadOnly | sys::kCloseOnExec);
  if (fd < 0) return fd;
  MountLines lines(static_cast<int>(fd));
  MountLine line;
  long result;
  while ((result = lines.NextInChild(&line)) > 0) {
    if (!IsAtOrBelowInChild(line.path, kStagingPlace, path)) continue;
    if ((result = RestrictLineInChild(line, attributes)) < 0) break;
  }
  sys::Close(static_cast<int>(fd));
  return result;
}

// "key=value,key=value"
const char* JoinOptionsInChild(const NewFilesystem& filesystem, char* text) {
  char* at = text;
  for (int i = 0; filesystem.options[i].key != nullptr; i++) {
    if (i > 0) *at++ = ',';
    for (const char* from = filesystem.options[i].key; *from != '\0'; from++) *at++ = *from;
    *at++ = '=';
    for (const char* from = filesystem.options[i].value; *from != '\0'; from++) *at++ = *from;
  }
  *at = '\0';
  return text;
}

long MakeFilesystemInChild(const NewFilesystem& filesystem) {
  const long context = sys::OpenFilesystem(filesystem.type);
  if (context < 0) return context;
  const int fd = static_cast<int>(context);
  long result = 0;
  for (int i = 0; result >= 0 && filesystem.options[i].key != nullptr; i++) {
    result = sys::ConfigureFilesystem(fd, kSetString, filesystem.options[i].key, filesystem.options[i].value);
  }
  if (result >= 0) result = sys::ConfigureFilesystem(fd, kCreateSuperblock, nullptr, nullptr);
  if (result >= 0) result = sys::MakeMount(fd, static_cast<unsigned>(filesystem.attributes));
  sys::Close(fd);
  return result;
}

bool IsRefused(long result) {
  return result == -sys::kENOSYS || result == -sys::kEPERM;
}

}  // namespace

bool HasTreeCallsInChild() {
  // Each answers something else where it exists: there is no descriptor -1, and nothing to set is nothing to
  // do.
  if (IsRefused(sys::SetMountAttributes(sys::kAtFdCwd, "/", 0, {0, 0, 0, 0}))) return false;
  if (IsRefused(sys::MoveMountTo(-1, -1))) return false;
  if (IsRefused(sys::OpenTree(-1, "", sys::kOpenTreeCloexec | sys::kAtEmptyPath))) return false;
  if (IsRefused(sys::MakeMount(-1, 0))) return false;
  return !IsRefused(sys::Call(__NR_fsopen, sys::Word("tmpfs"), ~0l /* flags that do not exist */));
}

long MakePrivateInChild(bool classic) {
  if (classic) return sys::Mount(nullptr, "/", nullptr, kMsRecursive | kMsPrivate, nullptr);
  return sys::SetMountAttributes(sys::kAtFdCwd, "/", sys::kAtRecursive, {0, 0, sys::kPropagationPrivate, 0});
}

long TakeTreeInChild(bool classic, int source) {
  if (classic) return sys::DuplicateAbove(source, 0);
  return sys::OpenTree(source, "",
                       sys::kOpenTreeClone | sys::kOpenTreeCloexec | sys::kAtEmptyPath | sys::kAtRecursive);
}

long PlaceTreeInChild(const MountPlace& place, int tree, uint64_t attributes, int target, const char* path) {
  if (place.classic) {
    const long result = sys::Mount(DescriptorPath(tree).text, DescriptorPath(target).text, nullptr,
                                   kMsBind | kMsRecursive, nullptr);
    return result < 0 ? result : RestrictBelowInChild(path, attributes);
  }
  const long result = sys::SetMountAttributes(tree, "", sys::kAtEmptyPath | sys::kAtRecursive,
                                              {attributes, 0, sys::kPropagationPrivate, 0});
  return result < 0 ? result : sys::MoveMountTo(tree, target);
}

long PlaceFilesystemInChild(const MountPlace& place, const NewFilesystem& filesystem, int target) {
  if (place.classic) {
    char options[64];
    return sys::Mount(filesystem.type, DescriptorPath(target).text, filesystem.type, filesystem.attributes,
                      JoinOptionsInChild(filesystem, options));
  }
  const long tree = MakeFilesystemInChild(filesystem);
  if (tree < 0) return tree;
  const long result = sys::MoveMountTo(static_cast<int>(tree), target);
  sys::Close(static_cast<int>(tree));
  return result;
}

long AddAttributesInChild(const MountPlace& place, int target, uint64_t own, uint64_t added) {
  if (place.classic) return RemountInChild(target, own | added);
  return sys::SetMountAttributes(target, "", sys::kAtEmptyPath, {added, 0, 0, 0});
}

}  // namespace castellan
