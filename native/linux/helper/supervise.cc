// See supervise.h.
#include "supervise.h"

#include "../syscalls.h"

namespace castellan {
namespace {

constexpr int kAllChildren = 0, kExited = 4, kNoHang = 1, kSignalChildEnded = 17, kSentByKernel = 0x80;

// Takes every exit there is; true when the command's own is among them.
bool ReapInto(ChildInfo* command_info, int command) {
  bool ended = false;
  for (;;) {
    ChildInfo info{};
    const long result = sys::Call(__NR_waitid, kAllChildren, 0, sys::Word(&info), kExited | kNoHang, 0);
    if (result == -sys::kEINTR) continue;
    if (result < 0 || info.pid == 0) return ended;
    if (info.pid != command) continue;
    *command_info = info;
    ended = true;
  }
}

// The host keeps the other end of the report's pipe as long as it lives, and until it was told the end.
bool HostIsGone(int report) {
  struct {
    int fd;
    int16_t events, found;
  } pipe{report, 0, 0};
  const int64_t at_once[2] = {0, 0};
  const long ready = sys::Call(__NR_ppoll, sys::Word(&pipe), 1, sys::Word(at_once), 0, 8);
  return ready > 0 && (pipe.found & 8 /* POLLERR */) != 0;
}

// Without a PID namespace the processes of others are around as well, and the launcher ends the rest.
void EndAll(int command) {
  sys::Call(__NR_kill, sys::Call(__NR_getpid) == 1 ? -1 : command, 9 /* SIGKILL */);
}

}  // namespace

long WatchHost(int report) {
  const long owned = sys::Call(__NR_fcntl, report, 8 /* F_SETOWN */, sys::Call(__NR_getpid));
  if (owned < 0) return owned;
  const long flags = sys::Call(__NR_fcntl, report, 3 /* F_GETFL */);
  return flags < 0 ? flags : sys::Call(__NR_fcntl, report, 4 /* F_SETFL */, flags | 020000 /* O_ASYNC */);
}

ChildInfo Supervise(int command, int report, MountWatch* watch) {
  const uint64_t all = ~0ull;
  ChildInfo ended{};
  for (;;) {
    if (ReapInto(&ended, command)) return ended;
    if (report >= 0 && HostIsGone(report)) sys::Call(__NR_kill, command, 9 /* SIGKILL */);
    const bool watching = watch->ids != nullptr && watch->lost < 0;
    if (watching && HasLostMount(watch)) EndAll(command);
    if (watching) AwaitSignalOrMount(*watch);
    const int64_t at_once[2] = {0, 0};
    ChildInfo signal{};
    const long number = sys::Call(__NR_rt_sigtimedwait, sys::Word(&all), sys::Word(&signal),
                                  watching ? sys::Word(at_once) : 0, 8);
    if (number <= 0 || number == kSignalChildEnded || signal.code == kSentByKernel) continue;
    sys::Call(__NR_kill, command, number);
  }
}

void EndNamespace() {
  sys::Call(__NR_kill, -1, 9 /* SIGKILL */);
  long result;
  do result = sys::Call(__NR_waitid, kAllChildren, 0, 0, kExited, 0);
  while (result >= 0 || result == -sys::kEINTR);
}

}  // namespace castellan
