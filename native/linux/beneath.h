// Opens a directory by a path on which no link is followed: openat2(2), which JavaScript cannot call.
#ifndef CASTELLAN_LINUX_BENEATH_H_
#define CASTELLAN_LINUX_BENEATH_H_

namespace castellan {

// A close-on-exec O_PATH descriptor of the directory at `path` (absolute, canonical), or -errno: ELOOP when
// a part of it is a symbolic or magic link, ENOTDIR when one is no directory, ENOSYS before Linux 5.6, and
// whatever a container's filter answers to calls that it does not know.
int OpenDirectoryBeneathRoot(const char* path);

}  // namespace castellan

#endif  // CASTELLAN_LINUX_BENEATH_H_
