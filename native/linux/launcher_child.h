// One started command, as the parts of the launcher share it. Its members belong to the launcher thread once
// it was adopted, but for what says otherwise.
#ifndef CASTELLAN_LINUX_LAUNCHER_CHILD_H_
#define CASTELLAN_LINUX_LAUNCHER_CHILD_H_

#include <signal.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>

#include <vector>

#include "launcher.h"

namespace castellan {

// Slots of a child's descriptors in the epoll. Streams 1 and 2 have their own numbers.
enum Slot : int {
  kSlotExit = 0,
  kSlotOutput = 1,
  kSlotErrors = 2,
  kSlotInput = 3,
  kSlotReport = 4,
  kSlots = 5
};

// Keys of the epoll that are no child's.
constexpr uint64_t kWakeupKey = ~0ull, kGuardKey = kWakeupKey - 1, kLeftGuardsKey = kWakeupKey - 2;

inline int64_t NowMs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000;
}

// Whether the process has ended and its exit was taken, now or earlier.
inline bool TakeExit(int pidfd) {
  siginfo_t info{};
  return waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG) != 0 ||
         info.si_pid != 0;
}

struct Launcher::Child {
  uint32_t id = 0;
  uint64_t tag = 0;
  int pid = -1;
  bool own_group = false;
  bool collect = false, end_tree = true, end_first = false, waited = false, exited = false;
  bool started_nothing = false;  // known when it has ended
  uint64_t limit = 0;
  UniqueFd descriptors[kSlots];
  // Where another process stands in between (the helper, bubblewrap). Guarded by mutex_.
  int command_number = 0;           // what the helper calls the command; 0 until it runs
  bool all_ended = false;           // the helper told that it is the last one
  UniqueFd command_pidfd;           // the command itself; looked up when a signal is sent
  std::vector<int> between;         // those processes
  std::vector<Placeholder> places;  // removed before the run's end is told
  std::vector<uint8_t> input;
  size_t input_written = 0;
  TreeLimits limits;
  uint64_t output_seen = 0;  // bytes of both streams
  bool suspected = false;    // the last look saw too much memory
  int64_t look_at = 0;       // when the tree is looked at next; 0: never
  int64_t timeout_at = 0, kill_at = 0, drain_until = 0;
  int64_t grace_ms = 0;
  int timeout_signal = SIGTERM;
  RunResult result;
};

}  // namespace castellan

#endif  // CASTELLAN_LINUX_LAUNCHER_CHILD_H_
