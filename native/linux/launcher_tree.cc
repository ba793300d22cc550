// Signals for a command, and the end of everything that it started.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "launcher_child.h"
#include "syscalls.h"
#include "tag.h"

namespace castellan {
namespace {

constexpr int64_t kStopMs = 2000;
constexpr int kKillRounds = 200;

// /proc/PID/task/PID/children needs CONFIG_PROC_CHILDREN, which every distribution sets. -1 when there is
// none.
int FirstChildOf(int pid) {
  char path[64], text[32] = "";
  snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
  const UniqueFd file(open(path, O_RDONLY | O_CLOEXEC));
  if (!file || read(file.get(), text, sizeof text - 1) <= 0) return -1;
  return atoi(text);
}

// What a process is called in the innermost PID namespace it is in; -1 when it cannot be told.
int InnermostPidOf(int pid) {
  char path[64], text[4096] = "";
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  const UniqueFd file(open(path, O_RDONLY | O_CLOEXEC));
  if (!file || read(file.get(), text, sizeof text - 1) <= 0) return -1;
  const char* line = strstr(text, "\nNSpid:");
  if (line == nullptr) return -1;
  int innermost = -1;
  for (const char* at = line + 7; *at != '\0' && *at != '\n'; at++) {
    if (*at == '\t') innermost = atoi(at + 1);
  }
  return innermost;
}

}  // namespace

// The process that signals are meant for. Each process in between has one child until the command runs, so
// the way down is their first children, to the one that carries the run's mark and goes by the number that
// the helper told. The caller holds mutex_.
void Launcher::FindCommand(Child& child) const {
  constexpr int kMostBetween = 4;
  if (child.command_number == 0 || child.command_pidfd || child.exited || child.tag == 0) return;
  std::vector<int> between{child.pid};
  for (int pid = FirstChildOf(child.pid); pid > 1 && between.size() <= kMostBetween;
       pid = FirstChildOf(pid)) {
    UniqueFd pidfd(static_cast<int>(sys::OpenPidfd(pid)));
    if (!pidfd || ReadTag(pid) != child.tag) return;
    if (InnermostPidOf(pid) == child.command_number) {
      child.command_pidfd = std::move(pidfd);
      child.between = std::move(between);
      return;
    }
    between.push_back(pid);
  }
}

// A look through /proc, on the launcher thread. A start that another thread is at may have been seen without
// its mark.
template <typename Through>
long Launcher::Look(Through through) {
  const uint64_t done = starts_done_;
  unmarked_.BeginLook();
  const long found = through(&unmarked_);
  if (starts_begun_ != done) unmarked_.ForgetLook();
  return found;
}

// Every process of the run: by mark, and by group for what carries none. The group is only named while its
// leader was not reaped: afterwards the number may belong to somebody else.
long Launcher::EndTree(const Child& child) {
  if (child.own_group && !child.exited) kill(-child.pid, SIGKILL);
  if (child.tag == 0) return 0;
  return Look([&](Unmarked* unmarked) { return KillTagged(child.tag, kTagRunMask, kKillRounds, unmarked); });
}

// Once to every process that the command is made of: many programs take a second signal for "at once". What
// stands between the command and this process gets none, because its end would end the command without a
// word.
void Launcher::SignalTree(Child& child, int signal) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    FindCommand(child);
  }
  if (child.tag == 0) {
    if (child.own_group && !child.exited)
      kill(-child.pid, signal);
    else if (!child.exited)
      sys::SendSignal(child.descriptors[kSlotExit].get(), signal);
    return;
  }
  const TagFilter command = [](uint64_t tag, int pid, const void* context) {
    const auto& of = *static_cast<const Child*>(context);
    if (tag != of.tag) return false;
    return of.exited || std::find(of.between.begin(), of.between.end(), pid) == of.between.end();
  };
  SignalChosen(command, &child, signal);
}

long Launcher::Signal(uint32_t id, int signal) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = children_.find(id);
  if (found == children_.end() || found->second->exited) return -ESRCH;
  Child& child = *found->second;
  FindCommand(child);
  return sys::SendSignal((child.command_pidfd ? child.command_pidfd : child.descriptors[kSlotExit]).get(),
                         signal);
}

void Launcher::BeginTermination(Child& child, int signal, int64_t grace_ms) {
  child.timeout_at = 0;
  child.look_at = 0;
  // Whoever ends a run means all of it, whatever was to happen to background processes.
  child.end_tree = true;
  if (signal == SIGKILL || grace_ms <= 0) {
    EndTree(child);
    if (child.pid > 0 && !child.exited) sys::SendSignal(child.descriptors[kSlotExit].get(), SIGKILL);
    return;
  }
  SignalTree(child, signal);
  child.kill_at = NowMs() + grace_ms;
}

// Ends what finished commands left behind. One look through /proc serves all of them.
void Launcher::Sweep() {
  sweep_at_ = 0;
  std::sort(ended_tags_.begin(), ended_tags_.end());
  const TagFilter ended = [](uint64_t tag, int, const void* context) {
    const auto& tags = *static_cast<const std::vector<uint64_t>*>(context);
    return std::binary_search(tags.begin(), tags.end(), tag);
  };
  for (int round = 0; round < kKillRounds; round++) {
    const long found =
        Look([&](Unmarked* unmarked) { return SignalChosen(ended, &ended_tags_, SIGKILL, unmarked); });
    if (found <= 0) break;
    usleep(1000);
  }
  ended_tags_.clear();
}

void Launcher::EndRuns() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    EndWaiting();
    for (const auto& [id, child] : children_) {
      if (!child->exited) sys::SendSignal(child->descriptors[kSlotExit].get(), SIGKILL);
    }
  }
  if (host_tag_ != 0) KillTagged(host_tag_, kTagHostMask, kKillRounds);
}

void Launcher::StopEverything() {
  std::vector<ChildPointer> left;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& [id, child] : children_) left.push_back(child);
    children_.clear();
  }
  for (const ChildPointer& child : left) {
    sys::SendSignal(child->descriptors[kSlotExit].get(), SIGKILL);
    if (child->own_group) kill(-child->pid, SIGKILL);
  }
  if (host_tag_ != 0 && (!left.empty() || !ended_tags_.empty() || survivors_))
    KillTagged(host_tag_, kTagHostMask, kKillRounds);
  const int64_t until = NowMs() + kStopMs;
  const auto await = [until](int pidfd) {
    while (!TakeExit(pidfd) && NowMs() < until) usleep(1000);
  };
  for (const ChildPointer& child : left) {
    await(child->descriptors[kSlotExit].get());
    RemovePlaces(&child->places);
  }
  for (const auto& [id, pidfd] : ending_) await(pidfd.get());
  ending_.clear();
}

}  // namespace castellan
