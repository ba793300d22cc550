// Puts and removes the placeholder of one run (lib/host/placeholder.ts tells what they are and how they are
// locked). This is the plain case, away from the event loop: whatever is not as it mostly is, is left to that
// file, which tries again and tells errors.
#ifndef CASTELLAN_LINUX_PLACEHOLDER_PLACE_H_
#define CASTELLAN_LINUX_PLACEHOLDER_PLACE_H_

#include <sys/stat.h>

#include <string>

#include "../unique_fd.h"

namespace castellan {

struct Placeholder {
  std::string path;
  UniqueFd fd;  // holds the shared lock
};

// The twin of `isMarked` in lib/host/placeholder-mark.ts.
bool HasPlaceholderMark(const struct stat& found);
bool IsEmptyDirectory(int fd);

// An empty placeholder stands at the path and is locked. False: nothing of this call is left.
bool PutPlaceholder(const std::string& path, UniqueFd* fd);
// True when it was removed; false when somebody else uses it, or it is none any more.
bool RemovePlaceholder(const Placeholder& placeholder);
// Whether nobody with this process's rights can make the path, which is then missing.
bool CannotBeMade(const std::string& path);

}  // namespace castellan

#endif  // CASTELLAN_LINUX_PLACEHOLDER_PLACE_H_
