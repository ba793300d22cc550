// What stands at many paths, compared in one call: the quick answer to "is the disk what the plan was made
// for" that lib/host/path-state.ts asks before each launch.
#ifndef CASTELLAN_LINUX_PATH_STAMPS_H_
#define CASTELLAN_LINUX_PATH_STAMPS_H_

#include <stdint.h>

#include <string>
#include <vector>

namespace castellan {

class PathStamps {
 public:
  // Looks at each path now. Links are not followed, but where one leads in the end counts as well.
  explicit PathStamps(std::vector<std::string> paths);

  // True when every path has what it had: the same error, or the same inode with the same mode, and for all
  // but directories the same time of change. A placeholder
  // (lib/host/placeholder-mark.ts) stands for nothing. False as well where that cannot be told.
  bool Unchanged() const;

 private:
  struct Inode {
    uint64_t device, number;
    int64_t change_seconds, change_nanoseconds;
    uint32_t mode, error;

    bool operator==(const Inode&) const = default;
  };
  struct Stamp {
    Inode own, target;
    bool undecided;

    bool operator==(const Stamp&) const = default;
  };

  static Stamp Look(const char* path);
  static Inode InodeAt(const char* path, bool follow, bool* undecided);

  std::vector<std::string> paths_;
  std::vector<Stamp> stamps_;
};

}  // namespace castellan

#endif  // CASTELLAN_LINUX_PATH_STAMPS_H_
