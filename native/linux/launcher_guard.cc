// The launcher's side of the guard: the process that ends every tree when the host dies
// (helper/main.cc).
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

#include "launcher_child.h"
#include "pipe.h"
#include "placeholder.h"
#include "syscalls.h"

namespace castellan {
namespace {

// Guards of environments that are gone, which were not through yet, and what tells every launcher of this
// process that one of them has ended.
struct LeftGuards {
  std::mutex mutex;
  std::vector<UniqueFd> pidfds;
  UniqueFd epoll{epoll_create1(EPOLL_CLOEXEC)};
};

LeftGuards& Left() {
  // Never destroyed: a launcher may run until the very end of the process.
  static LeftGuards& left = *new LeftGuards;
  return left;
}

// A guard that is stopped must not stop its host for longer than this.
constexpr int kPatienceMs = 1000;

// 0 or an errno.
int Send(int pipe, const std::string& note) {
  for (size_t sent = 0; sent <= note.size();) {
    const ssize_t written = write(pipe, note.c_str() + sent, note.size() + 1 - sent);
    if (written > 0) {
      sent += static_cast<size_t>(written);
      continue;
    }
    if (errno == EINTR) continue;
    pollfd writable{pipe, POLLOUT, 0};
    if (errno != EAGAIN || poll(&writable, 1, kPatienceMs) <= 0) return errno;
  }
  return 0;
}

}  // namespace

Report Launcher::StartGuard(RunRequest request) {
  std::lock_guard<std::mutex> lock(guard_mutex_);
  if (guard_pidfd_) return Report{};
  guard_request_ = std::move(request);
  const Report report = StartGuardAgain();
  // The caller knows that there is none, and starts nothing.
  if (report.stage != Stage::kNone) guard_request_.plan = nullptr;
  return report;
}

// The caller holds guard_mutex_.
Report Launcher::StartGuardAgain() {
  UniqueFd read_end, write_end;
  if (!MakePipe(&read_end, &write_end)) return Report{Stage::kPipes, errno, -1};
  RunRequest request;
  request.plan = guard_request_.plan;
  request.request = guard_request_.request;
  request.request_size = guard_request_.request_size;
  request.stdio = guard_request_.stdio;
  request.stdio.push_back(read_end.get());
  ChildPointer child;
  const LaunchResult started = Start(request, &child);
  if (!child) return started.report;
  fcntl(write_end.get(), F_SETFL, O_NONBLOCK | fcntl(write_end.get(), F_GETFL));
  guard_pipe_ = std::move(write_end);
  guard_pidfd_ = std::move(child->descriptors[kSlotExit]);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kGuardKey;
  epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, guard_pidfd_.get(), &event);
  for (const Noted& noted : noted_) {
    if (Send(guard_pipe_.get(), '+' + noted.path) != 0)
      break;  // it is gone again, or stopped: the epoll tells
  }
  return Report{};
}

// Before each start: a command must not run where the death of the host would leave it behind.
Report Launcher::EnsureGuard() {
  std::lock_guard<std::mutex> lock(guard_mutex_);
  return guard_pidfd_ || !guard_request_.plan ? Report{} : StartGuardAgain();
}

// The guard has ended, which it does for nobody but its host: something killed it.
void Launcher::ReplaceGuard() {
  std::unique_lock<std::mutex> lock(guard_mutex_);
  if (!guard_pidfd_ || !TakeExit(guard_pidfd_.get())) return;
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, guard_pidfd_.get(), nullptr);
  guard_pidfd_.Reset();
  guard_pipe_.Reset();
  const bool replaced = StartGuardAgain().stage == Stage::kNone;
  lock.unlock();
  if (!replaced) EndRuns();
}

// Where no guard is, or it is gone, nothing removes what a killed host leaves behind, until the next one
// does.
//
// Commands in a row need the same placeholders, and each word to the guard wakes a process. So it is not told
// when one was removed, until there is no room for others: looking for what is not there does no harm.
int Launcher::NotePlaceholder(bool made, const std::string& path) {
  std::lock_guard<std::mutex> lock(guard_mutex_);
  const auto found =
      std::find_if(noted_.begin(), noted_.end(), [&](const Noted& noted) { return noted.path == path; });
  if (found != noted_.end()) {
    found->users += made ? 1 : -1;
    return 0;
  }
  if (!made) return 0;
  const size_t size = path.size() + 1;
  if (size + 1 > kPlaceholderNoteSize) return ENAMETOOLONG;
  if (noted_size_ + size > kPlaceholderListSize) ForgetRemovedPlaceholders();
  if (noted_size_ + size > kPlaceholderListSize) return ENOBUFS;
  if (const int error = TellGuard('+' + path)) return error;
  noted_.push_back({path, 1});
  noted_size_ += size;
  return 0;
}

// The caller holds guard_mutex_.
void Launcher::ForgetRemovedPlaceholders() {
  const auto forget = [this](const Noted& noted) {
    if (noted.users > 0 || TellGuard('-' + noted.path) != 0) return false;
    noted_size_ -= noted.path.size() + 1;
    return true;
  };
  noted_.erase(std::remove_if(noted_.begin(), noted_.end(), forget), noted_.end());
}

// 0 or an errno. The caller holds guard_mutex_. A guard that was killed: the next one is told of every path.
int Launcher::TellGuard(const std::string& note) {
  if (!guard_pidfd_) return 0;
  return write(guard_pipe_.get(), note.c_str(), note.size() + 1) < 0 && errno != EPIPE ? errno : 0;
}

void Launcher::WatchLeftGuards() {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kLeftGuardsKey;
  epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, Left().epoll.get(), &event);
}

void Launcher::TakeExitsOfLeftGuards() {
  LeftGuards& left = Left();
  std::lock_guard<std::mutex> lock(left.mutex);
  const auto gone = [](const UniqueFd& pidfd) { return TakeExit(pidfd.get()); };
  left.pidfds.erase(std::remove_if(left.pidfds.begin(), left.pidfds.end(), gone), left.pidfds.end());
}

// Told to go without looking for processes: this environment has ended its own trees. A placeholder whose
// lock is held by a descriptor of a terminated worker is removed when Node.js has closed that descriptor,
// which it does after this: such a guard takes up to a second, and another launcher takes its exit.
void Launcher::StopGuard() {
  if (!guard_pidfd_) return;
  const char quit = 'q';
  if (write(guard_pipe_.get(), &quit, 1) < 0) { /* it is gone already */
  }
  guard_pipe_.Reset();
  for (int i = 0; i < 20; i++) {
    if (TakeExit(guard_pidfd_.get())) return;
    usleep(1000);
  }
  LeftGuards& left = Left();
  std::lock_guard<std::mutex> lock(left.mutex);
  epoll_event event{};
  event.events = EPOLLIN;
  epoll_ctl(left.epoll.get(), EPOLL_CTL_ADD, guard_pidfd_.get(), &event);
  left.pidfds.push_back(std::move(guard_pidfd_));
}

}  // namespace castellan
