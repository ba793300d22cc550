// How the launcher starts a command: its descriptors, its words, the clone, and the wait for a helper's word
// that the command runs.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "clone.h"
#include "helper_image.h"
#include "helper_record.h"
#include "launcher_child.h"
#include "memory_file.h"
#include "pipe.h"
#include "syscalls.h"

namespace castellan {
namespace {

// Bubblewrap reads the table of mounts again for each of them: two thousand take it ten seconds and more.
constexpr int64_t kHelperMs = 60'000;

bool MakeSocketPair(UniqueFd* a, UniqueFd* b) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return false;
  a->Reset(ends[0]);
  b->Reset(ends[1]);
  return true;
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
    // Made here, so it has no other flag that could be changed.
    if (out->host_ends[i]) fcntl(out->host_ends[i].get(), F_SETFL, O_NONBLOCK);
    if (child_end) source = child_end.get();
    out->moves.push_back({source, target});
    out->child_ends.push_back(std::move(child_end));
  }
  return true;
}

// `id`: the number the run goes by, which is also that of its mark; 0: a new one.
LaunchResult Launcher::Start(RunRequest& request, ChildPointer* child, uint32_t id) {
  LaunchResult result;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    result.id = id == 0 ? NextId() : id;
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
  char score[12];
  if (header->oom_score_adjust > oom_score_adjust_) {
    const int length = snprintf(score, sizeof score, "%d", header->oom_score_adjust);
    launch.oom_score_adjust = score;
    launch.oom_score_length = static_cast<uint32_t>(length);
  }
  starts_begun_++;
  const Started started = StartChild(launch);
  starts_done_++;
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
  made->limits = request.limits;
  // Without the mark there is no way to tell what belongs to the run; the caller has refused such limits.
  if (request.limits.watched() && made->tag != 0) made->look_at = NowMs();
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

}  // namespace castellan
