// See launcher.h. The other parts: launcher_queue.cc, launcher_start.cc, launcher_streams.cc,
// launcher_exits.cc, launcher_tree.cc and launcher_guard.cc.
//
// Three kinds of threads meet here: the JavaScript thread, which starts commands in place when it must know
// the pid at once; the launcher thread, which owns the epoll and every stream of a collected run; and those
// of the pool, which only start what waits (launcher_queue.cc). `mutex_` guards the list of children, the
// queues and the results that somebody waits for; a Child's other members belong to the launcher thread once
// it was adopted.
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include <utility>

#include "launcher_child.h"
#include "tag.h"

namespace castellan {
namespace {

// 0 when this process may not set the mark (its own hard limit is not unlimited, for instance inside another
// run).
uint64_t MakeHostTag() {
  rlimit own;
  if (getrlimit(RLIMIT_RTTIME, &own) != 0 || own.rlim_max != RLIM_INFINITY) return 0;
  uint32_t random = 0;
  while (random == 0) {
    if (getrandom(&random, sizeof random, 0) != sizeof random) return 0;
    random &= 0x3fffffff;
  }
  return kTagBase | uint64_t{random} << 32;
}

// What the kernel's out-of-memory killer thinks of this process; 0 when it cannot be told.
int OwnOutOfMemoryScore() {
  char text[16] = "";
  const UniqueFd file(open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC));
  return file && read(file.get(), text, sizeof text - 1) > 0 ? atoi(text) : 0;
}

}  // namespace

Launcher::Launcher(Deliver deliver)
    : deliver_(std::move(deliver)),
      host_tag_(MakeHostTag()),
      oom_score_adjust_(OwnOutOfMemoryScore()),
      pool_([this] { return StartNext(); }) {
  epoll_.Reset(epoll_create1(EPOLL_CLOEXEC));
  wakeup_.Reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kWakeupKey;
  epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wakeup_.get(), &event);
  WatchLeftGuards();
  thread_ = std::thread([this] { Loop(); });
}

Launcher::~Launcher() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    EndWaiting();
  }
  // First: what they are at is ended with everything else.
  pool_.Stop();
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  Wake();
  thread_.join();
  StopGuard();
}

void Launcher::Wake() {
  const uint64_t one = 1;
  if (write(wakeup_.get(), &one, sizeof one) < 0) { /* the counter is full: a wake-up is pending */
  }
}

void Launcher::Post(std::function<void()> command) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    commands_.push_back(std::move(command));
  }
  Wake();
}

Launcher::ChildPointer Launcher::Find(uint32_t id) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = children_.find(id);
  return found == children_.end() ? nullptr : found->second;
}

uint32_t Launcher::active() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return static_cast<uint32_t>(children_.size());
}

LaunchResult Launcher::Spawn(RunRequest request) {
  ChildPointer child;
  LaunchResult result;
  result.report = EnsureGuard();
  if (result.report.stage != Stage::kNone) return result;
  result = Start(request, &child);
  if (!child) return result;
  if (child->descriptors[kSlotReport] && !AwaitCommand(*child, &result.report)) {
    for (const int fd : result.host_ends) UniqueFd closing(fd);
    result.host_ends.clear();
    result.pid = -1;
    return result;
  }
  Adopt(child);
  return result;
}

// The caller holds mutex_.
uint32_t Launcher::NextId() {
  const uint32_t id = next_id_++;
  if (next_id_ == 0) next_id_ = 1;
  return id;
}

// The id is given before the start, so that the caller can end a run that has not begun.
uint32_t Launcher::Run(RunRequest request) {
  uint32_t id;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    id = NextId();
    starting_.insert(id);
  }
  // The start comes later and on another thread; by then the caller may have closed its descriptors, and
  // their numbers may name other files.
  Report unusable;
  for (size_t i = 0; i < request.stdio.size() && unusable.stage == Stage::kNone; i++) {
    if (request.stdio[i] < 0) continue;
    UniqueFd copy(fcntl(request.stdio[i], F_DUPFD_CLOEXEC, 3));
    if (!copy) unusable = Report{Stage::kStdio, errno, static_cast<int32_t>(i)};
    request.stdio[i] = copy.get();
    request.kept.push_back(std::move(copy));
  }
  bool busy;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    busy = launcher_starts_ || !waiting_.empty();
    waiting_.push_back({id, std::move(request), unusable});
  }
  Wake();
  if (busy) pool_.Help();
  return id;
}

RunResult Launcher::RunAndWait(RunRequest request) {
  ChildPointer child;
  LaunchResult started;
  started.report = EnsureGuard();
  if (started.report.stage == Stage::kNone) started = Start(request, &child);
  if (!child) {
    RunResult result;
    result.id = started.id;
    result.report = started.report;
    return result;
  }
  child->waited = true;
  const uint32_t id = child->id;
  Adopt(child);
  std::unique_lock<std::mutex> lock(mutex_);
  finished_.wait(lock, [&] { return waited_.count(id) != 0; });
  RunResult result = std::move(waited_[id]);
  waited_.erase(id);
  return result;
}

// Registers a started child. Called from either thread; the launcher thread sees it through the epoll
// afterwards.
void Launcher::Adopt(const ChildPointer& child) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    children_[child->id] = child;
  }
  for (int slot = 1; slot < kSlots; slot++) {
    if (!child->descriptors[slot]) continue;
    if (slot == kSlotInput && child->input.empty()) {
      child->descriptors[slot].Reset();  // nothing to say: the command sees the end of its input at once
      continue;
    }
    Watch(child->descriptors[slot].get(), slot == kSlotInput ? EPOLLOUT : EPOLLIN, child->id, slot);
  }
  // The exit last: once it is registered, the launcher thread may finish and forget the child. When its
  // helper has told the end already, AwaitHelper has taken the descriptor, and watches it.
  bool watched;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    watched = Watch(child->descriptors[kSlotExit].get(), EPOLLIN, child->id, kSlotExit);
  }
  if (!watched) {
    Post([this, child] { OnExit(child); });
  } else if (child->timeout_at != 0 || child->look_at != 0) {
    Wake();  // to take the new deadline into account
  }
}

void Launcher::Loop() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  for (;;) {
    epoll_event events[64];
    const int count = epoll_wait(epoll_.get(), events, 64, static_cast<int>(NextTimeout()));
    for (int i = 0; i < count; i++) Handle(events[i].data.u64);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (stopping_) break;
    }
    Flush();  // first, so that nobody waits for a look at what earlier runs left
    CheckDeadlines();
    Flush();
  }
  StopEverything();
}

void Launcher::Handle(uint64_t key) {
  if (key == kWakeupKey) {
    uint64_t ignored;
    if (read(wakeup_.get(), &ignored, sizeof ignored) < 0) { /* somebody was faster */
    }
    TakeCommands();
    return;
  }
  if (key == kGuardKey) {
    ReplaceGuard();
    return;
  }
  if (key == kLeftGuardsKey) {
    TakeExitsOfLeftGuards();
    return;
  }
  const uint32_t id = static_cast<uint32_t>(key >> 3);
  const ChildPointer child = Find(id);
  if (!child) {
    TakeHelperExit(id);
    return;
  }
  switch (static_cast<Slot>(key & 7)) {
    case kSlotExit:
      OnExit(child);
      break;
    case kSlotOutput:
    case kSlotErrors:
    case kSlotReport:
      ReadStream(child, static_cast<int>(key & 7));
      break;
    case kSlotInput:
      WriteInput(child);
      break;
    case kSlots:
      break;
  }
  FinishIfDone(child);
}

void Launcher::TakeCommands() {
  std::vector<std::function<void()>> commands;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    commands.swap(commands_);
  }
  for (auto& command : commands) command();
  SetStarting(true);
  while (StartNext()) {
  }
  SetStarting(false);
}

}  // namespace castellan
