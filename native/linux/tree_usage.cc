// See tree_usage.h.
#include "tree_usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../unique_fd.h"
#include "tag.h"

namespace castellan {
namespace {

size_t ReadProcessText(int pid, const char* file, char* text, size_t size) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
  const UniqueFd opened(open(path, O_RDONLY | O_CLOEXEC));
  const ssize_t got = opened ? read(opened.get(), text, size - 1) : 0;
  text[got > 0 ? got : 0] = '\0';
  return got > 0 ? static_cast<size_t>(got) : 0;
}

// The name in parentheses may hold anything, so the fields are counted from the last one.
bool ReadUsage(int pid, ProcessUsage* out) {
  char text[1024];
  if (ReadProcessText(pid, "stat", text, sizeof text) == 0) return false;
  const char* at = strrchr(text, ')');
  if (at == nullptr) return false;
  char state = 0;
  unsigned long user, system;
  long waited_user, waited_system, threads, resident;
  const int read = sscanf(at + 1,
                          " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld %*d %*d %ld %*d "
                          "%*u %*u %ld",
                          &state, &user, &system, &waited_user, &waited_system, &threads, &resident);
  if (read != 7) return false;
  const auto ticks = static_cast<uint64_t>(sysconf(_SC_CLK_TCK));
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const bool ended = state == 'Z' || state == 'X';
  const uint64_t used = user + system + static_cast<uint64_t>(waited_user + waited_system);
  *out = {pid, ended ? 0 : static_cast<uint64_t>(threads), used * 1000 / ticks,
          ended || resident < 0 ? 0 : static_cast<uint64_t>(resident) * page};
  return true;
}

}  // namespace

TreeUsage MeasureTrees(uint64_t host_tag) {
  TreeUsage trees;
  DIR* proc = opendir("/proc");
  if (proc == nullptr) return trees;
  while (const dirent* entry = readdir(proc)) {
    const int pid = atoi(entry->d_name);
    if (pid <= 0) continue;
    const uint64_t tag = ReadTag(pid);
    ProcessUsage usage;
    if (tag >= kTagBase && (tag & kTagHostMask) == (host_tag & kTagHostMask) && ReadUsage(pid, &usage))
      trees[tag].push_back(usage);
  }
  closedir(proc);
  return trees;
}

uint64_t ProportionalMemory(int pid, uint64_t fallback) {
  char text[2048];
  if (ReadProcessText(pid, "smaps_rollup", text, sizeof text) == 0) return fallback;
  const char* line = strstr(text, "\nPss:");
  return line == nullptr ? fallback : strtoull(line + 5, nullptr, 10) * 1024;
}

}  // namespace castellan
