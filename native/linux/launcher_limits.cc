// The limits that the launcher itself holds a run to: it looks at the tree from time to time and ends it when
// it uses more than it may. What the kernel holds each process to in between is in child.cc (LimitInChild).
#include <signal.h>

#include <algorithm>

#include "launcher_child.h"
#include "tree_usage.h"

namespace castellan {
namespace {

constexpr int64_t kLookMs = 50, kSecondLookMs = 10;

uint64_t MemoryOf(const std::vector<ProcessUsage>& tree, uint64_t limit) {
  uint64_t resident = 0;
  for (const ProcessUsage& process : tree) resident += process.memory;
  if (resident <= limit) return resident;
  // Forked processes share most of their pages: count each page once before anybody is ended for it.
  uint64_t memory = 0;
  for (const ProcessUsage& process : tree) memory += ProportionalMemory(process.pid, process.memory);
  return memory;
}

}  // namespace

void Launcher::LookAtTrees(int64_t now) {
  struct Watched {
    ChildPointer child;
    std::vector<int> between;  // helpers, which are not the command's
  };
  std::vector<Watched> watched;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& [id, child] : children_) {
      if (child->look_at == 0 || child->look_at > now) continue;
      FindCommand(*child);
      watched.push_back({child, child->between});
    }
  }
  if (watched.empty()) return;
  TreeUsage trees = MeasureTrees(host_tag_);
  for (const auto& [child, between] : watched) {
    std::vector<ProcessUsage>& tree = trees[child->tag];
    const auto helps = [&ignored = between](const ProcessUsage& process) {
      return std::find(ignored.begin(), ignored.end(), process.pid) != ignored.end();
    };
    // Until the helper has started the command there is nothing to count but helpers.
    const bool started = !child->descriptors[kSlotReport] || !between.empty();
    tree.erase(std::remove_if(tree.begin(), tree.end(), helps), tree.end());
    if (started) Judge(*child, tree);
    if (child->look_at != 0) child->look_at = NowMs() + (child->suspected ? kSecondLookMs : kLookMs);
  }
}

void Launcher::Judge(Child& child, const std::vector<ProcessUsage>& tree) {
  const TreeLimits& limits = child.limits;
  uint64_t tasks = 0, cpu_ms = 0;
  for (const ProcessUsage& process : tree) {
    tasks += process.tasks;
    cpu_ms += process.cpu_ms;
  }
  // Two looks in a row: a process between vfork and exec shows its parent's memory once more.
  const bool much = limits.memory != kNoLimit && MemoryOf(tree, limits.memory) > limits.memory;
  if (tasks > limits.tasks) {
    Exceed(child, FiredLimit::kTasks, SIGKILL);
  } else if (much && child.suspected) {
    Exceed(child, FiredLimit::kMemory, SIGKILL);
  } else if (cpu_ms > limits.cpu_ms) {
    Exceed(child, FiredLimit::kCpu, child.timeout_signal);
  }
  child.suspected = much;
}

// What grows while it is asked to end is ended at once; anything else gets the time to end in its own way.
void Launcher::Exceed(Child& child, FiredLimit limit, int signal) {
  if (child.result.limit != FiredLimit::kNone) return;
  child.result.limit = limit;
  BeginTermination(child, signal, child.grace_ms);
}

}  // namespace castellan
