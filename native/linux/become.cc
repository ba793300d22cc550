// See become.h.
#include "become.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "syscalls.h"

extern char** environ;

namespace castellan {

namespace {

// Node marks its standard descriptors close-on-exec, and the plan's file is made so.
int KeepAcrossExec(int plan, bool keep) {
  for (const int fd : {0, 1, 2, plan}) {
    if (fcntl(fd, F_SETFD, keep ? 0 : FD_CLOEXEC) != 0) return errno;
  }
  return 0;
}

}  // namespace

int BecomeHelper(int helper, int plan, const std::vector<std::string>& command, const std::string& as) {
  const std::string place = "/proc/self/fd/" + std::to_string(plan);
  std::vector<const char*> words = {"castellan-exec", as.c_str(), place.c_str(), "--"};
  for (const std::string& word : command) words.push_back(word.c_str());
  words.push_back(nullptr);
  // The helper opens it again, and closes it before it becomes the command.
  if (const int error = KeepAcrossExec(plan, true); error != 0) return error;
  const long result = sys::ExecuteAt(helper, "", words.data(), environ, sys::kAtEmptyPath);
  KeepAcrossExec(plan, false);
  return static_cast<int>(-result);
}

}  // namespace castellan
