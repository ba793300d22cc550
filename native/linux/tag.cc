// See tag.h. No libc: the guard in the helper program uses this as well.
#include "tag.h"

#include "syscalls.h"

namespace castellan {
namespace {

struct DirectoryEntry {
  uint64_t inode, offset;
  uint16_t length;
  uint8_t type;
  char name[1];
};

int ParseProcessId(const char* text) {
  int pid = 0;
  for (; *text != '\0'; text++) {
    if (*text < '0' || *text > '9' || pid > 100000000) return 0;
    pid = pid * 10 + (*text - '0');
  }
  return pid;
}

// Reads /proc/NAME/FILE into `buffer`; returns the length, NUL-terminated.
long ReadProcessFile(int proc, const char* name, const char* file, char* buffer, long size) {
  char path[40];
  int length = 0;
  const char* const parts[] = {name, "/", file};
  for (const char* part : parts) {
    for (; *part != '\0' && length < 39; part++) path[length++] = *part;
  }
  path[length] = '\0';
  const long fd = sys::OpenAt(proc, path, sys::kReadOnly | sys::kCloseOnExec);
  if (fd < 0) return fd;
  long filled = 0;
  while (filled < size - 1) {
    const long got = sys::Read(static_cast<int>(fd), buffer + filled, static_cast<size_t>(size - 1 - filled));
    if (got <= 0) break;
    filled += got;
  }
  sys::Close(static_cast<int>(fd));
  buffer[filled] = '\0';
  return filled;
}

const char* FindText(const char* text, const char* wanted) {
  for (; *text != '\0'; text++) {
    const char* a = text;
    const char* b = wanted;
    while (*b != '\0' && *a == *b) a++, b++;
    if (*b == '\0') return a;
  }
  return nullptr;
}

uint64_t ParseTag(const char* limits) {
  const char* at = FindText(limits, "Max realtime timeout");
  if (at == nullptr) return 0;
  while (*at == ' ') at++;
  uint64_t value = 0;
  for (; *at >= '0' && *at <= '9'; at++) value = value * 10 + static_cast<uint64_t>(*at - '0');
  return value;
}

bool IsZombie(int proc, const char* name) {
  char stat[512];
  if (ReadProcessFile(proc, name, "stat", stat, sizeof stat) <= 0) return true;
  // The program name in parentheses may hold anything; the state follows the last one.
  const char* state = nullptr;
  for (const char* at = stat; *at != '\0'; at++) {
    if (*at == ')') state = at;
  }
  return state != nullptr && state[1] == ' ' && (state[2] == 'Z' || state[2] == 'X');
}

// The inode number of an entry of which the kernel has none.
constexpr uint64_t kNoInode = 1;

// The pidfd is opened before the tag is read: if the process ends in between, the signal goes nowhere.
bool SignalIfChosen(int proc, const DirectoryEntry& entry, TagFilter chosen, const void* context, int signal,
                    Unmarked* unmarked) {
  const char* const name = entry.name;
  const int pid = ParseProcessId(name);
  if (pid <= 1 || (unmarked != nullptr && unmarked->Has(pid, entry.inode))) return false;
  const long pidfd = sys::OpenPidfd(pid);
  if (pidfd < 0) return false;
  char limits[2048];
  bool matched = ReadProcessFile(proc, name, "limits", limits, sizeof limits) > 0;
  if (matched) {
    const uint64_t tag = ParseTag(limits);
    const bool marked = tag < kTagBase * 2 && tag >= kTagBase;
    if (!marked && unmarked != nullptr && entry.inode > kNoInode) unmarked->Note(pid, entry.inode);
    matched = marked && chosen(tag, pid, context) && !IsZombie(proc, name);
  }
  if (matched && signal != 0) matched = sys::SendSignal(static_cast<int>(pidfd), signal) >= 0;
  sys::Close(static_cast<int>(pidfd));
  return matched;
}

struct Wanted {
  uint64_t tag, mask;
};

bool MatchesWanted(uint64_t tag, int, const void* context) {
  const auto* wanted = static_cast<const Wanted*>(context);
  return (tag & wanted->mask) == (wanted->tag & wanted->mask);
}

}  // namespace

uint64_t ReadTag(int pid) {
  char name[12];
  char digits[12];
  int count = 0, length = 0;
  do digits[count++] = static_cast<char>('0' + pid % 10);
  while ((pid /= 10) > 0);
  while (count > 0) name[length++] = digits[--count];
  name[length] = '\0';
  const long proc = sys::OpenAt(sys::kAtFdCwd, "/proc", sys::kReadOnly | sys::kDirectory | sys::kCloseOnExec);
  if (proc < 0) return 0;
  char limits[2048];
  const long filled = ReadProcessFile(static_cast<int>(proc), name, "limits", limits, sizeof limits);
  sys::Close(static_cast<int>(proc));
  return filled > 0 ? ParseTag(limits) : 0;
}

long SignalChosen(TagFilter chosen, const void* context, int signal, Unmarked* unmarked) {
  const long opened =
      sys::OpenAt(sys::kAtFdCwd, "/proc", sys::kReadOnly | sys::kDirectory | sys::kCloseOnExec);
  if (opened < 0) return opened;
  const int proc = static_cast<int>(opened);
  long count = 0;
  alignas(8) char entries[8192];
  for (;;) {
    const long filled = sys::Call(__NR_getdents64, proc, sys::Word(entries), sizeof entries);
    if (filled <= 0) break;
    for (long at = 0; at < filled;) {
      const auto* entry = reinterpret_cast<const DirectoryEntry*>(entries + at);
      at += entry->length;
      if (entry->name[0] >= '0' && entry->name[0] <= '9' &&
          SignalIfChosen(proc, *entry, chosen, context, signal, unmarked))
        count++;
    }
  }
  sys::Close(proc);
  return count;
}

long SignalTagged(uint64_t tag, uint64_t mask, int signal, Unmarked* unmarked) {
  const Wanted wanted{tag, mask};
  return tag < kTagBase ? 0 : SignalChosen(MatchesWanted, &wanted, signal, unmarked);
}

long KillTagged(uint64_t tag, uint64_t mask, int rounds, Unmarked* unmarked) {
  long remaining = 0;
  for (int round = 0; round < rounds; round++) {
    remaining = SignalTagged(tag, mask, 9, unmarked);
    if (remaining <= 0) return remaining;
    const int64_t pause[2] = {0, round < 20 ? 1000000 : 10000000};  // seconds, nanoseconds
    sys::Call(__NR_nanosleep, sys::Word(pause), 0);
  }
  return remaining;
}

}  // namespace castellan
