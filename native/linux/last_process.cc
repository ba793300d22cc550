// See last_process.h.
#include "last_process.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <utility>

namespace castellan {
namespace {

bool IsOwnNamespace() {
  char number[16] = "";
  const ssize_t length = readlink("/proc/self", number, sizeof number - 1);
  return length > 0 && atoi(number) == getpid();
}

}  // namespace

LastProcess::LastProcess() {
  UniqueFd load(open("/proc/loadavg", O_RDONLY | O_CLOEXEC));
  struct statfs found;
  if (!load || fstatfs(load.get(), &found) != 0 || found.f_type != PROC_SUPER_MAGIC) return;
  if (IsOwnNamespace()) load_ = std::move(load);
}

bool LastProcess::Is(int pid) const {
  char text[128];
  const ssize_t length = load_ ? pread(load_.get(), text, sizeof text - 1, 0) : -1;
  if (length <= 0) return false;
  text[length] = '\0';
  const char* const last = strrchr(text, ' ');
  return last != nullptr && atoi(last + 1) == pid;
}

}  // namespace castellan
