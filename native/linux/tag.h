// The mark that every process of a run carries, and the ways to end them all.
//
// A run's first process gets an RLIMIT_RTTIME whose value names the host and the run. Limits are inherited by
// every descendant, across fork, exec, setsid and re-parenting; the hard limit cannot be raised again, and
// the filter closes the calls that would lower it. The value is so large that it limits nothing.
// /proc/PID/limits tells it to anyone.
#ifndef CASTELLAN_LINUX_TAG_H_
#define CASTELLAN_LINUX_TAG_H_

#include <stdint.h>

namespace castellan {

// 2^62 | host (30 bits) << 32 | run (32 bits).
constexpr uint64_t kTagBase = 1ull << 62;
constexpr uint64_t kTagHostMask = 0x7fffffff00000000ull;
constexpr uint64_t kTagRunMask = 0x7fffffffffffffffull;

// The tag of one process; 0 when it has none or is gone.
uint64_t ReadTag(int pid);

// Processes that carry no mark, by the number of their directory in /proc, which the kernel gives to no other
// process later. They need not be looked at again: a process gets its mark before it executes anything, and
// then from the launcher alone. So what a look noted while a start was under way must be forgotten.
class Unmarked {
 public:
  bool Has(int pid, uint64_t inode) const {
    const Slot& slot = slots_[static_cast<unsigned>(pid) % kSlots];
    return slot.pid == pid && slot.inode == inode;
  }
  void Note(int pid, uint64_t inode) {
    slots_[static_cast<unsigned>(pid) % kSlots] = Slot{pid, look_, inode};
  }
  void BeginLook() { look_++; }
  void ForgetLook() {
    for (Slot& slot : slots_) {
      if (slot.look == look_) slot = Slot{};
    }
  }

 private:
  static constexpr unsigned kSlots = 2048;
  struct Slot {
    int pid = 0;
    uint32_t look = 0;
    uint64_t inode = 0;
  };
  uint32_t look_ = 0;
  Slot slots_[kSlots] = {};
};

using TagFilter = bool (*)(uint64_t tag, int pid, const void* context);

// Sends `signal` to every live process whose tag the filter chooses; see SignalTagged for the answer. With
// `unmarked`, what is known there is left out, and what is seen is noted there.
long SignalChosen(TagFilter chosen, const void* context, int signal, Unmarked* unmarked = nullptr);

// Sends `signal` (0: only counts) to every live process whose tag equals `tag` under `mask`. Returns how many
// there were, or -errno when /proc cannot be read. Zombies are not counted. Safe against reuse of process
// ids.
long SignalTagged(uint64_t tag, uint64_t mask, int signal, Unmarked* unmarked = nullptr);

// Sends SIGKILL until none is left, at most `rounds` times with a short pause between. Returns how many
// remain.
long KillTagged(uint64_t tag, uint64_t mask, int rounds, Unmarked* unmarked = nullptr);

}  // namespace castellan

#endif  // CASTELLAN_LINUX_TAG_H_
