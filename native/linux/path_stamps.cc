// See path_stamps.h.
#include "path_stamps.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "placeholder_place.h"

namespace castellan {
namespace {

// `isPlaceholder` of lib/host/placeholder-mark.ts.
bool IsPlaceholder(const char* path, const struct stat& found, bool* undecided) {
  if (!HasPlaceholderMark(found)) return false;
  const UniqueFd fd(open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat opened;
  const bool same =
      fd && fstat(fd.get(), &opened) == 0 && opened.st_ino == found.st_ino && opened.st_dev == found.st_dev;
  // Gone since, or closed to this process: a closer look decides.
  *undecided = *undecided || !same;
  return same && IsEmptyDirectory(fd.get());
}

}  // namespace

PathStamps::PathStamps(std::vector<std::string> paths) : paths_(std::move(paths)) {
  stamps_.reserve(paths_.size());
  for (const std::string& path : paths_) stamps_.push_back(Look(path.c_str()));
}

bool PathStamps::Unchanged() const {
  for (size_t i = 0; i < paths_.size(); i++) {
    const Stamp now = Look(paths_[i].c_str());
    if (now.undecided || !(now == stamps_[i])) return false;
  }
  return true;
}

PathStamps::Stamp PathStamps::Look(const char* path) {
  Stamp stamp{};
  stamp.own = InodeAt(path, false, &stamp.undecided);
  if (S_ISLNK(stamp.own.mode)) stamp.target = InodeAt(path, true, &stamp.undecided);
  return stamp;
}

PathStamps::Inode PathStamps::InodeAt(const char* path, bool follow, bool* undecided) {
  struct stat found;
  Inode inode{};
  if (fstatat(AT_FDCWD, path, &found, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0) {
    inode.error = static_cast<uint32_t>(errno);
    return inode;
  }
  if (S_ISDIR(found.st_mode) && IsPlaceholder(path, found, undecided)) {
    inode.error = ENOENT;
    return inode;
  }
  inode.device = found.st_dev;
  inode.number = found.st_ino;
  inode.mode = found.st_mode;
  if (!S_ISDIR(found.st_mode)) {
    inode.change_seconds = found.st_ctim.tv_sec;
    inode.change_nanoseconds = found.st_ctim.tv_nsec;
  }
  return inode;
}

}  // namespace castellan
