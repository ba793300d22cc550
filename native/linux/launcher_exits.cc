// How a run ends: its exit is taken, its output is read to the end, deadlines pass, and its result is handed
// over.
#include <sys/epoll.h>
#include <sys/wait.h>

#include <algorithm>
#include <utility>

#include "launcher_child.h"
#include "tag.h"

namespace castellan {
namespace {

constexpr int64_t kSweepDelayMs = 100, kDrainMs = 1000;

}  // namespace

void Launcher::OnExit(const ChildPointer& child) {
  if (child->exited) return;
  siginfo_t info{};
  const auto wait = [&](int how) {
    return waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(child->descriptors[kSlotExit].get()),
                  &info, WEXITED | WNOHANG | how);
  };
  // While its number is still taken.
  if (wait(WNOWAIT) == 0 && info.si_pid != 0) child->started_nothing = last_process_.Is(child->pid);
  info = {};
  const int waited = wait(0);
  if (waited == 0 && info.si_pid == 0) return;  // not yet
  {
    // Signal() sends under this lock: it must never see a descriptor number that was closed and given out
    // again.
    std::lock_guard<std::mutex> lock(mutex_);
    child->exited = true;
    CloseStream(*child, kSlotExit);
    child->command_pidfd.Reset();
  }
  if (waited != 0)
    child->result.exit_unknown = true;
  else if (info.si_code == CLD_EXITED)
    child->result.exit_code = info.si_status;
  else
    child->result.signal = info.si_status;
  CloseStream(*child, kSlotInput);
  for (const int slot : {kSlotOutput, kSlotErrors, kSlotReport}) ReadStream(child, slot);
  const bool held = child->descriptors[kSlotOutput] || child->descriptors[kSlotErrors];
  if (!held) return;
  // Somebody still holds the output: background processes of the command, which end with it.
  if (child->end_tree) {
    EndTree(*child);
    child->drain_until = NowMs() + kDrainMs;
  }
}

void Launcher::FinishIfDone(const ChildPointer& child) {
  if (!child->exited && !child->all_ended) return;
  if (child->descriptors[kSlotOutput] || child->descriptors[kSlotErrors]) return;
  if (child->descriptors[kSlotReport]) ReadStream(child, kSlotReport);
  Finish(child);
}

// The helper is the last process of a run that it told the end of; it stays in the epoll until its exit is
// taken.
void Launcher::AwaitHelper(Child& child) {
  std::lock_guard<std::mutex> lock(mutex_);
  child.exited = true;  // for Signal(), which must not look for what is gone
  child.command_pidfd.Reset();
  UniqueFd& exit = ending_[child.id];
  exit = std::move(child.descriptors[kSlotExit]);
  // A start on the JavaScript thread may not have come to it yet; a second time is refused and changes
  // nothing.
  Watch(exit.get(), EPOLLIN, child.id, kSlotExit);
}

void Launcher::TakeHelperExit(uint32_t id) {
  const auto found = ending_.find(id);
  if (found == ending_.end() || !TakeExit(found->second.get())) return;
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, found->second.get(), nullptr);
  ending_.erase(found);
}

void Launcher::Finish(const ChildPointer& child) {
  if (child->all_ended && !child->exited) AwaitHelper(*child);
  for (int slot = 0; slot < kSlots; slot++) CloseStream(*child, slot);
  if (child->all_ended || child->started_nothing) {
    // Nothing is left that could be looked for.
  } else if (child->end_tree && child->tag != 0 && child->end_first) {
    EndTree(*child);
  } else if (child->end_tree && child->tag != 0) {
    ended_tags_.push_back(child->tag);
    if (sweep_at_ == 0) sweep_at_ = NowMs() + kSweepDelayMs;
  }
  if (!child->end_tree && !child->started_nothing) survivors_ = true;
  RemovePlaces(&child->places);
  std::lock_guard<std::mutex> lock(mutex_);
  if (children_.erase(child->id) == 0) return;
  if (child->waited) {
    waited_[child->id] = std::move(child->result);
    finished_.notify_all();
  } else {
    done_.push_back(std::move(child->result));
  }
}

void Launcher::Flush() {
  if (done_.empty()) return;
  std::vector<RunResult> results;
  results.swap(done_);
  deliver_(std::move(results));
}

void Launcher::CheckDeadlines() {
  const int64_t now = NowMs();
  std::vector<ChildPointer> due;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& [id, child] : children_) {
      if ((child->timeout_at != 0 && child->timeout_at <= now) ||
          (child->kill_at != 0 && child->kill_at <= now) ||
          (child->drain_until != 0 && child->drain_until <= now)) {
        due.push_back(child);
      }
    }
  }
  for (const ChildPointer& child : due) {
    if (child->timeout_at != 0 && child->timeout_at <= now) {
      child->result.timed_out = true;
      if (child->result.limit == FiredLimit::kNone) child->result.limit = FiredLimit::kWallClock;
      BeginTermination(*child, child->timeout_signal, child->grace_ms);
    }
    if (child->kill_at != 0 && child->kill_at <= now) {
      child->kill_at = 0;
      BeginTermination(*child, SIGKILL, 0);
    }
    if (child->drain_until != 0 && child->drain_until <= now) Finish(child);
  }
  LookAtTrees(now);
  if (sweep_at_ != 0 && sweep_at_ <= now) Sweep();
}

int64_t Launcher::NextTimeout() const {
  int64_t nearest = sweep_at_;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& [id, child] : children_) {
      for (const int64_t at : {child->timeout_at, child->kill_at, child->drain_until, child->look_at}) {
        if (at != 0 && (nearest == 0 || at < nearest)) nearest = at;
      }
    }
  }
  if (nearest == 0) return -1;
  return std::clamp<int64_t>(nearest - NowMs(), 0, 60'000);
}

}  // namespace castellan
