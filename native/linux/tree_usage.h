// What the trees of an environment use at this moment, as /proc tells it (proc(5)).
#ifndef CASTELLAN_LINUX_TREE_USAGE_H_
#define CASTELLAN_LINUX_TREE_USAGE_H_

#include <stdint.h>

#include <unordered_map>
#include <vector>

namespace castellan {

struct ProcessUsage {
  int pid;
  uint64_t tasks;   // threads; 0 for a process that has ended
  uint64_t cpu_ms;  // its own and that of the children it has waited for
  uint64_t memory;  // resident bytes, shared pages included
};

using TreeUsage = std::unordered_map<uint64_t, std::vector<ProcessUsage>>;

// Every process that carries the host's mark, by the mark of its run.
TreeUsage MeasureTrees(uint64_t host_tag);

// The resident bytes of a process with shared pages divided among those who share them; `fallback` when the
// kernel does not tell.
uint64_t ProportionalMemory(int pid, uint64_t fallback);

}  // namespace castellan

#endif  // CASTELLAN_LINUX_TREE_USAGE_H_
