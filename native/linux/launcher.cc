// See launcher.h.
//
// Two threads meet here: the JavaScript thread, which starts commands in place when it must know the pid at
// once, and the launcher thread, which owns the epoll and every stream of a collected run. `mutex_` guards
// the list of children, the queue of commands and the results that somebody waits for; a Child's other
// members belong to the launcher thread once it was adopted.
//
// A descriptor is always taken out of the epoll before it is closed: a command that is between clone and exec
// still holds a copy, and a stale registration would deliver events for a run that is gone.
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <algorithm>
#include <utility>

#include "clone.h"
#include "helper_record.h"
#include "helper_image.h"
#include "memory_file.h"
#include "placeholder.h"
#include "syscalls.h"
#include "tag.h"

namespace castellan {
namespace {

constexpr uint64_t kWakeupKey = ~0ull;
constexpr int64_t kSweepDelayMs = 100, kDrainMs = 1000, kStopMs = 2000, kHelperMs = 10'000;
constexpr int kKillRounds = 200;
constexpr size_t kReadSize = 64 * 1024;
constexpr uint64_t kReportLimit = 4096;

// Slots of a child's descriptors in the epoll. Streams 1 and 2 have their own numbers.
enum Slot : int {
  kSlotExit = 0,
  kSlotOutput = 1,
  kSlotErrors = 2,
  kSlotInput = 3,
  kSlotReport = 4,
  kSlots = 5
};

int64_t NowMs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000;
}

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

bool MakePipe(UniqueFd* read_end, UniqueFd* write_end) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  read_end->Reset(ends[0]);
  write_end->Reset(ends[1]);
  return true;
}

bool MakeSocketPair(UniqueFd* a, UniqueFd* b) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return false;
  a->Reset(ends[0]);
  b->Reset(ends[1]);
  return true;
}

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

std::vector<const char*> TextPointers(const RequestView& view, const uint32_t* offsets, uint32_t count,
                                      size_t spare) {
  std::vector<const char*> pointers(spare, nullptr);
  pointers.reserve(spare + count + 1);
  for (uint32_t i = 0; i < count; i++) pointers.push_back(view.Text(offsets[i]));
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

// The ends of pipes and sockets, while a launch is prepared.
struct Descriptors {
  std::vector<DescriptorMove> moves;
  std::vector<UniqueFd> child_ends;  // closed in the host after the launch
  std::vector<UniqueFd> host_ends;   // one per stdio entry
};

struct Launcher::Child {
  uint32_t id = 0;
  uint64_t tag = 0;
  int pid = -1;
  bool own_group = false;
  bool collect = false, end_tree = true, end_first = false, waited = false, exited = false;
  uint64_t limit = 0;
  UniqueFd descriptors[kSlots];
  // Where another process stands in between (the helper, bubblewrap). Guarded by mutex_.
  int command_number = 0;    // what the helper calls the command; 0 until it runs
  UniqueFd command_pidfd;    // the command itself; looked up when a signal is sent
  std::vector<int> between;  // those processes
  std::vector<uint8_t> input;
  size_t input_written = 0;
  int64_t timeout_at = 0, kill_at = 0, drain_until = 0;
  int64_t grace_ms = 0;
  int timeout_signal = SIGTERM;
  RunResult result;
};

Launcher::Launcher(Deliver deliver) : deliver_(std::move(deliver)), host_tag_(MakeHostTag()) {
  epoll_.Reset(epoll_create1(EPOLL_CLOEXEC));
  wakeup_.Reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kWakeupKey;
  epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wakeup_.get(), &event);
  thread_ = std::thread([this] { Loop(); });
}

Launcher::~Launcher() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  Wake();
  thread_.join();
  if (!guard_pidfd_) return;
  // Told to go without looking for anything: this environment has ended its own trees.
  const char quit = 'q';
  if (write(guard_pipe_.get(), &quit, 1) < 0) { /* it is gone already */
  }
  guard_pipe_.Reset();
  siginfo_t ignored;
  for (int i = 0; i < 200; i++) {
    ignored.si_pid = 0;
    const int result = waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(guard_pidfd_.get()), &ignored,
                              WEXITED | WNOHANG);
    if (result != 0 || ignored.si_pid != 0) break;
    usleep(1000);
  }
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

// What was loaded with the library is what runs, whatever happens to the files it came from.
int Launcher::HelperDescriptor() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!helper_) {
    const int fd = MakeMemoryFile("castellan-helper", kHelperImage, kHelperImageSize, 0500);
    if (fd < 0) return fd;
    helper_.Reset(fd);
  }
  return helper_.get();
}

bool Launcher::ProvideDescriptors(const RunRequest& request, Descriptors* out, Report* report) {
  out->host_ends.resize(request.stdio.size());
  for (size_t i = 0; i < request.stdio.size(); i++) {
    const int32_t wanted = request.stdio[i];
    const int target = static_cast<int>(i);
    UniqueFd child_end;
    int source = wanted;
    bool made = true;
    switch (static_cast<Stdio>(wanted)) {
      case Stdio::kNull:
        child_end.Reset(open("/dev/null", O_RDWR | O_CLOEXEC));
        made = static_cast<bool>(child_end);
        break;
      case Stdio::kReadPipe:
        made = MakePipe(&out->host_ends[i], &child_end);
        break;
      case Stdio::kWritePipe:
        made = MakePipe(&child_end, &out->host_ends[i]);
        break;
      case Stdio::kSocket:
        made = MakeSocketPair(&out->host_ends[i], &child_end);
        break;
      case Stdio::kHelper: {
        source = HelperDescriptor();
        if (source < 0) errno = -source;
        made = source >= 0;
        break;
      }
      default:
        break;
    }
    if (!made) {
      *report = Report{Stage::kPipes, errno, target};
      return false;
    }
    if (out->host_ends[i])
      fcntl(out->host_ends[i].get(), F_SETFL, O_NONBLOCK | fcntl(out->host_ends[i].get(), F_GETFL));
    if (child_end) source = child_end.get();
    out->moves.push_back({source, target});
    out->child_ends.push_back(std::move(child_end));
  }
  return true;
}

LaunchResult Launcher::Start(RunRequest& request, ChildPointer* child) {
  LaunchResult result;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    result.id = next_id_++;
    if (next_id_ == 0) next_id_ = 1;
  }
  auto* bytes = reinterpret_cast<uint8_t*>(request.request.data());
  RequestView view;
  if (!ReadRequest(bytes, request.request_size, &view)) {
    result.report = Report{Stage::kImage, EINVAL, -1};
    return result;
  }
  auto* header = reinterpret_cast<RequestHeader*>(bytes);
  header->tag = (header->flags & kTagged) && host_tag_ != 0 ? host_tag_ | result.id : 0;
  Descriptors descriptors;
  if (!ProvideDescriptors(request, &descriptors, &result.report)) return result;

  const auto candidates = TextPointers(view, view.candidates, header->candidates_count, 0);
  auto argv = TextPointers(view, view.argv, header->argv_count, 1);
  const auto env = TextPointers(view, view.env, header->env_count, 0);
  std::vector<int> trees(request.plan->view.header->mounts_count, -1);
  Launch launch{};
  launch.plan = request.plan->view;
  launch.request = view;
  launch.candidates = candidates.data();
  launch.argv = argv.data() + 1;
  launch.envp = env.data();
  launch.moves = descriptors.moves.data();
  launch.moves_count = static_cast<uint32_t>(descriptors.moves.size());
  launch.trees = trees.data();
  launch.namespaces_made = true;
  launch.user_id = geteuid();
  launch.group_id = getegid();
  const Started started = StartChild(launch);
  result.report = started.report;
  if (started.report.stage != Stage::kNone) {
    // Where a helper stands in between, what could not be executed is the helper, not the command.
    if (request.report_descriptor >= 0 && result.report.stage == Stage::kExec)
      result.report.stage = Stage::kInit;
    return result;
  }

  result.pid = started.pid;
  auto made = std::make_shared<Child>();
  made->id = result.id;
  made->tag = header->tag;
  made->pid = started.pid;
  made->own_group = (header->flags & (kNewSession | kNewGroup)) != 0;
  made->collect = request.collect;
  made->end_tree = request.end_tree_on_exit;
  made->end_first = request.end_tree_first;
  made->limit = request.output_limit;
  made->grace_ms = request.grace_ms;
  made->timeout_signal = request.timeout_signal;
  if (request.timeout_ms > 0) made->timeout_at = NowMs() + request.timeout_ms;
  made->descriptors[kSlotExit].Reset(started.pidfd);
  made->result.id = result.id;
  made->result.pid = started.pid;
  result.host_ends.assign(request.stdio.size(), -1);
  for (size_t i = 0; i < request.stdio.size(); i++) {
    UniqueFd& end = descriptors.host_ends[i];
    if (!end) continue;
    if (static_cast<int32_t>(i) == request.report_descriptor)
      made->descriptors[kSlotReport] = std::move(end);
    else if (!request.collect)
      result.host_ends[i] = end.Release();
    else if (i == 0)
      made->descriptors[kSlotInput] = std::move(end);
    else if (i <= 2)
      made->descriptors[i] = std::move(end);
  }
  made->input = std::move(request.input);
  *child = std::move(made);
  return result;
}

LaunchResult Launcher::Spawn(RunRequest request) {
  ChildPointer child;
  LaunchResult result = Start(request, &child);
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

// Blocks until the helper tells that the command runs, so that the caller knows, as after any other start.
// Returns false with the report filled when it does not; the helper is then gone and reaped.
bool Launcher::AwaitCommand(Child& child, Report* report) {
  pollfd readable{child.descriptors[kSlotReport].get(), POLLIN, 0};
  const int64_t until = NowMs() + kHelperMs;
  HelperRecord record{HelperRecord::kFailed, {static_cast<int32_t>(Stage::kInit), 0, -1}};
  auto& reported = child.result.reported;
  while (reported.size() < sizeof record) {
    const int64_t left = until - NowMs();
    if (left <= 0) break;
    if (poll(&readable, 1, static_cast<int>(left)) < 0 && errno != EINTR) break;
    uint8_t bytes[sizeof record];
    const ssize_t got = read(readable.fd, bytes, sizeof record - reported.size());
    if (got == 0) break;
    if (got > 0) reported.insert(reported.end(), bytes, bytes + got);
  }
  if (reported.size() >= sizeof record) memcpy(&record, reported.data(), sizeof record);
  if (record.kind == HelperRecord::kStarted) {
    ReadRecords(child);
    return true;
  }
  *report = Report{static_cast<Stage>(record.values[0]), record.values[1], record.values[2]};
  sys::SendSignal(child.descriptors[kSlotExit].get(), SIGKILL);
  siginfo_t ignored;
  while (waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(child.descriptors[kSlotExit].get()),
                &ignored, WEXITED) != 0 &&
         errno == EINTR) {
  }
  return false;
}

// The id is given before the start, so that the caller can end a run that has not begun; the child takes it
// over.
uint32_t Launcher::Run(RunRequest request) {
  uint32_t id;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    id = next_id_++;
    if (next_id_ == 0) next_id_ = 1;
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
  auto shared = std::make_shared<RunRequest>(std::move(request));
  Post([this, id, shared, unusable] {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (starting_.erase(id) == 0) {  // ended before it began
        RunResult result;
        result.id = id;
        result.report = Report{Stage::kClone, ECANCELED, -1};
        done_.push_back(std::move(result));
        return;
      }
    }
    ChildPointer child;
    LaunchResult started;
    started.report = unusable;
    if (unusable.stage == Stage::kNone) started = Start(*shared, &child);
    shared->kept.clear();
    if (!child) {
      RunResult result;
      result.id = id;
      result.report = started.report;
      done_.push_back(std::move(result));
      return;
    }
    child->id = child->result.id = id;
    Adopt(child);
  });
  return id;
}

RunResult Launcher::RunAndWait(RunRequest request) {
  ChildPointer child;
  LaunchResult started = Start(request, &child);
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

Report Launcher::StartGuard(RunRequest request) {
  if (guard_pidfd_) return Report{};
  UniqueFd read_end, write_end;
  if (!MakePipe(&read_end, &write_end)) return Report{Stage::kPipes, errno, -1};
  request.stdio.push_back(read_end.get());
  ChildPointer child;
  const LaunchResult started = Start(request, &child);
  if (!child) return started.report;
  // A guard that is stopped must not stop its host.
  fcntl(write_end.get(), F_SETFL, O_NONBLOCK | fcntl(write_end.get(), F_GETFL));
  guard_pipe_ = std::move(write_end);
  guard_pidfd_ = std::move(child->descriptors[kSlotExit]);
  return Report{};
}

// Where no guard is, or it is gone, nothing removes what a killed host leaves behind, until the next one
// does.
int Launcher::NotePlaceholder(bool made, const std::string& path) {
  if (!guard_pidfd_) return 0;
  const size_t size = path.size() + 1;
  const std::string note = (made ? '+' : '-') + path;
  if (note.size() + 1 > kPlaceholderNoteSize) return ENAMETOOLONG;
  if (made && noted_ + size > kPlaceholderListSize) return ENOBUFS;
  if (write(guard_pipe_.get(), note.c_str(), note.size() + 1) < 0) return errno == EPIPE ? 0 : errno;
  noted_ = made ? noted_ + size : noted_ - std::min(noted_, size);
  return 0;
}

bool Launcher::Watch(int fd, uint32_t events, uint32_t id, int slot) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = uint64_t{id} << 3 | static_cast<uint64_t>(slot);
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
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
  // The exit last: once it is registered, the launcher thread may finish and forget the child.
  if (!Watch(child->descriptors[kSlotExit].get(), EPOLLIN, child->id, kSlotExit)) {
    Post([this, child] { OnExit(child); });
  } else if (child->timeout_at != 0) {
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
  const ChildPointer child = Find(static_cast<uint32_t>(key >> 3));
  if (!child) return;
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
}

void Launcher::CloseStream(Child& child, int slot) {
  if (!child.descriptors[slot]) return;
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, child.descriptors[slot].get(), nullptr);
  child.descriptors[slot].Reset();
}

void Launcher::ReadStream(const ChildPointer& child, int slot) {
  if (!child->descriptors[slot]) return;
  auto& kept = slot == kSlotOutput   ? child->result.output
               : slot == kSlotErrors ? child->result.errors
                                     : child->result.reported;
  const uint64_t limit = slot == kSlotReport ? kReportLimit : child->limit;
  uint8_t buffer[kReadSize];
  for (;;) {
    const ssize_t got = read(child->descriptors[slot].get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      CloseStream(*child, slot);
      return;
    }
    // Reading goes on beyond the limit, so that the command is not stopped by a full pipe; the rest is
    // dropped.
    const size_t room = kept.size() < limit ? limit - kept.size() : 0;
    const size_t keep = std::min(room, static_cast<size_t>(got));
    kept.insert(kept.end(), buffer, buffer + keep);
    if (slot == kSlotReport) ReadRecords(*child);
    if (keep < static_cast<size_t>(got)) {
      if (slot == kSlotOutput) child->result.stdout_truncated = true;
      if (slot == kSlotErrors) child->result.stderr_truncated = true;
    }
    if (static_cast<size_t>(got) < sizeof buffer) return;
  }
}

// The first record of the helper tells that the command runs, and what it is called there.
void Launcher::ReadRecords(Child& child) {
  HelperRecord record;
  if (child.command_number != 0 || child.result.reported.size() < sizeof record) return;
  memcpy(&record, child.result.reported.data(), sizeof record);
  std::lock_guard<std::mutex> lock(mutex_);
  if (record.kind == HelperRecord::kStarted) child.command_number = record.values[0];
}

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

void Launcher::WriteInput(const ChildPointer& child) {
  if (!child->descriptors[kSlotInput]) return;
  while (child->input_written < child->input.size()) {
    const ssize_t written =
        write(child->descriptors[kSlotInput].get(), child->input.data() + child->input_written,
              child->input.size() - child->input_written);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) return;
    if (written < 0) break;  // the command does not read it: not an error of ours
    child->input_written += static_cast<size_t>(written);
  }
  CloseStream(*child, kSlotInput);
}

void Launcher::OnExit(const ChildPointer& child) {
  if (child->exited) return;
  siginfo_t info{};
  const int waited = waitid(static_cast<idtype_t>(P_PIDFD),
                            static_cast<id_t>(child->descriptors[kSlotExit].get()), &info, WEXITED | WNOHANG);
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
  if (!child->exited || child->descriptors[kSlotOutput] || child->descriptors[kSlotErrors]) return;
  if (child->descriptors[kSlotReport]) ReadStream(child, kSlotReport);
  Finish(child);
}

void Launcher::Finish(const ChildPointer& child) {
  for (int slot = 0; slot < kSlots; slot++) CloseStream(*child, slot);
  if (child->end_tree && child->tag != 0 && child->end_first) {
    EndTree(*child);
  } else if (child->end_tree && child->tag != 0) {
    ended_tags_.push_back(child->tag);
    if (sweep_at_ == 0) sweep_at_ = NowMs() + kSweepDelayMs;
  }
  if (!child->end_tree) survivors_ = true;
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

// Every process of the run: by mark, and by group for what carries none. The group is only named while its
// leader was not reaped: afterwards the number may belong to somebody else.
long Launcher::EndTree(const Child& child) const {
  if (child.own_group && !child.exited) kill(-child.pid, SIGKILL);
  return child.tag == 0 ? 0 : KillTagged(child.tag, kTagRunMask, kKillRounds);
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

void Launcher::Terminate(uint32_t id, int signal, int64_t grace_ms) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (starting_.erase(id) != 0) return;
  }
  Post([this, id, signal, grace_ms] {
    if (const ChildPointer child = Find(id)) BeginTermination(*child, signal, grace_ms);
  });
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
      BeginTermination(*child, child->timeout_signal, child->grace_ms);
    }
    if (child->kill_at != 0 && child->kill_at <= now) {
      child->kill_at = 0;
      BeginTermination(*child, SIGKILL, 0);
    }
    if (child->drain_until != 0 && child->drain_until <= now) Finish(child);
  }
  if (sweep_at_ != 0 && sweep_at_ <= now) Sweep();
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
    if (SignalChosen(ended, &ended_tags_, SIGKILL) <= 0) break;
    usleep(1000);
  }
  ended_tags_.clear();
}

int64_t Launcher::NextTimeout() const {
  int64_t nearest = sweep_at_;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& [id, child] : children_) {
      for (const int64_t at : {child->timeout_at, child->kill_at, child->drain_until}) {
        if (at != 0 && (nearest == 0 || at < nearest)) nearest = at;
      }
    }
  }
  if (nearest == 0) return -1;
  return std::clamp<int64_t>(nearest - NowMs(), 0, 60'000);
}

void Launcher::EndRuns() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    starting_.clear();
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
  for (const ChildPointer& child : left) {
    siginfo_t info{};
    while (waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(child->descriptors[kSlotExit].get()),
                  &info, WEXITED | WNOHANG) == 0 &&
           info.si_pid == 0 && NowMs() < until) {
      usleep(1000);
    }
  }
}

}  // namespace castellan
