// See placeholder_place.h.
#include "placeholder_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace castellan {
namespace {

constexpr time_t kMarkSeconds = 549864182;
constexpr mode_t kStickyBit = 01000, kWriteBits = 0222, kPlaceholderMode = 01555;

bool StandsAt(const std::string& path, const struct stat& own) {
  struct stat found;
  return lstat(path.c_str(), &found) == 0 && found.st_ino == own.st_ino && found.st_dev == own.st_dev;
}

// What keeps this process out keeps the command out as well, except a mode that it can change itself.
bool IsClosedByOwner(const std::string& path) {
  const std::string directory = path.substr(0, path.rfind('/'));
  struct stat found;
  if (lstat(directory.empty() ? "/" : directory.c_str(), &found) != 0) return true;
  return found.st_uid == geteuid() && (found.st_mode & 0300) != 0300;
}

}  // namespace

bool HasPlaceholderMark(const struct stat& found) {
  return (found.st_mode & (kStickyBit | kWriteBits)) == kStickyBit || found.st_mtim.tv_sec == kMarkSeconds;
}

bool IsEmptyDirectory(int fd) {
  // Both entries that every directory has fit, and one more.
  alignas(8) char entries[1024];
  if (lseek(fd, 0, SEEK_SET) < 0) return false;
  const long filled = syscall(SYS_getdents64, fd, entries, sizeof entries);
  if (filled < 0) return false;
  for (long at = 0; at < filled;) {
    const char* const name = entries + at + 19;  // after inode, offset, length and type
    if (name[0] != '.' || (name[1] != '\0' && (name[1] != '.' || name[2] != '\0'))) return false;
    at += *reinterpret_cast<const uint16_t*>(entries + at + 16);
  }
  return true;
}

bool PutPlaceholder(const std::string& path, UniqueFd* fd) {
  const bool made = mkdir(path.c_str(), kPlaceholderMode) == 0;
  if (!made && errno != EEXIST) return false;
  UniqueFd opened(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!opened) return false;
  const timespec mark[2] = {{kMarkSeconds, 0}, {kMarkSeconds, 0}};
  if (made) futimens(opened.get(), mark);
  struct stat found;
  if (fstat(opened.get(), &found) != 0) return false;
  if (!HasPlaceholderMark(found)) {
    if (made && StandsAt(path, found)) rmdir(path.c_str());
    return false;
  }
  Placeholder placed{path, std::move(opened)};
  if (flock(placed.fd.get(), LOCK_SH | LOCK_NB) != 0) return false;
  if (!StandsAt(path, found) || !IsEmptyDirectory(placed.fd.get())) {
    RemovePlaceholder(placed);
    return false;
  }
  *fd = std::move(placed.fd);
  return true;
}

bool RemovePlaceholder(const Placeholder& placeholder) {
  const int fd = placeholder.fd.get();
  struct stat found;
  return flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &found) == 0 && HasPlaceholderMark(found) &&
         StandsAt(placeholder.path, found) && rmdir(placeholder.path.c_str()) == 0;
}

bool CannotBeMade(const std::string& path) {
  if (mkdir(path.c_str(), kPlaceholderMode) == 0) {
    rmdir(path.c_str());
    return false;
  }
  return errno == EROFS || (errno == EACCES && !IsClosedByOwner(path));
}

}  // namespace castellan
