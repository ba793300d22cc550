// See exec.h.
#include "exec.h"

#include "../child.h"
#include "memory.h"
#include "supervise.h"

namespace castellan {
namespace {

constexpr int kExitCannotExecute = 126, kExitNotFound = 127;

constexpr const char* kStageNames[] = {"none",
                                       "clone",
                                       "signals",
                                       "session",
                                       "stdio",
                                       "tag",
                                       "namespaces",
                                       "identity map",
                                       "mount",
                                       "root",
                                       "working directory",
                                       "capabilities",
                                       "no_new_privs",
                                       "landlock",
                                       "descriptors",
                                       "filter",
                                       "exec",
                                       "pipes",
                                       "image",
                                       "init",
                                       "listen",
                                       "limits"};

// Whether every failure ends with this code instead of those of env(1).
int refusal_code = 0;
constexpr int kRefusedHelper = 101;

void PrintNumber(int32_t number) {
  char digits[12];
  int at = 12;
  do digits[--at] = static_cast<char>('0' + number % 10);
  while ((number /= 10) > 0);
  sys::Write(2, digits + at, static_cast<size_t>(12 - at));
}

[[noreturn]] void Refuse(const Report& report) {
  Print(refusal_code == 0 ? "castellan: " : "codex-linux-sandbox: ");
  Print("the command was not started: ");
  Print(kStageNames[static_cast<int32_t>(report.stage)]);
  Print(": errno ");
  PrintNumber(report.error);
  if (report.index >= 0) {
    Print(", line ");
    PrintNumber(report.index);
  }
  Print("\n");
  if (refusal_code != 0) sys::Exit(refusal_code);
  const bool not_found = report.error == sys::kENOENT;
  sys::Exit(report.stage != Stage::kExec ? kExitFailed : not_found ? kExitNotFound : kExitCannotExecute);
}

// The places execvp(3) would look at: the name itself when it has a slash, otherwise every folder of PATH.
const char** Candidates(const char* name, const char* const* environment) {
  const size_t name_length = LengthOf(name);
  for (size_t i = 0; i < name_length; i++) {
    if (name[i] != '/') continue;
    auto** only = static_cast<const char**>(Allocate(2 * sizeof(char*)));
    only[0] = name;
    return only;
  }
  const char* path = "/bin:/usr/bin";
  for (; *environment != nullptr; environment++) {
    const char* entry = *environment;
    if (entry[0] == 'P' && entry[1] == 'A' && entry[2] == 'T' && entry[3] == 'H' && entry[4] == '=')
      path = entry + 5;
  }
  const size_t path_length = LengthOf(path);
  auto** list = static_cast<const char**>(Allocate((path_length + 2) * sizeof(char*)));
  auto* text = static_cast<char*>(Allocate((path_length + 2) * (name_length + 2) + path_length));
  size_t count = 0;
  for (size_t at = 0; at <= path_length; at++) {
    const size_t start = at;
    while (at < path_length && path[at] != ':') at++;
    list[count++] = text;
    for (size_t i = start; i < at; i++) *text++ = path[i];
    if (at > start) *text++ = '/';
    for (size_t i = 0; i <= name_length; i++) *text++ = name[i];
  }
  list[count] = nullptr;
  return list;
}

Report ExecuteUnblocked(const Launch& launch) {
  const uint64_t none = 0;
  sys::SetSignalMask(2, &none, nullptr);
  return Report{Stage::kExec, static_cast<int32_t>(-ExecuteCandidatesInChild(launch)), -1};
}

// What the first process of the PID namespace tells the waiting helper outside, in memory they share.
struct SharedOutcome {
  Report report;
  int32_t exit_code, signal;
};

constexpr uint32_t kLifeline =
    3;  // the first free descriptor: the end of a pipe that the helper outside holds

// After everything that changes credentials, which would take this back (prctl(2)). The helper outside has
// one thread, so its end is the process's. Returns false when that has come already.
bool DieWithHelperInChild() {
  struct {
    int fd;
    int16_t events, found;
  } lifeline{static_cast<int>(kLifeline), 0, 0};
  const int64_t at_once[2] = {0, 0};
  const long set = sys::Prctl(1 /* PR_SET_PDEATHSIG */, 9 /* SIGKILL */);
  const long ready = sys::Call(__NR_ppoll, sys::Word(&lifeline), 1, sys::Word(at_once), 0, 8);
  sys::Close(lifeline.fd);
  return set >= 0 && ready == 0;
}

[[noreturn]] void RunAsInit(Launch launch, SharedOutcome* outcome, int lifeline) {
  launch.namespaces_made = true;
  launch.moves = SameDescriptors(kLifeline);
  launch.moves[kLifeline] = {lifeline, static_cast<int>(kLifeline)};
  launch.moves_count = kLifeline + 1;
  if (!ConfineInChild(launch, &outcome->report)) sys::Exit(kExitFailed);
  sys::Prctl(4 /* PR_SET_DUMPABLE */, 0);
  if (!DieWithHelperInChild()) sys::Exit(kExitFailed);
  const uint64_t all = ~0ull;
  sys::SetSignalMask(2, &all, nullptr);
  MountWatch watch;
  const long standing = StartMountWatch(launch.plan, &watch);
  if (standing < 0) {
    outcome->report =
        Report{watch.lost >= 0 ? Stage::kMount : Stage::kInit, static_cast<int32_t>(-standing), watch.lost};
    sys::Exit(kExitFailed);
  }
  const long command =
      sys::Call(__NR_clone, static_cast<long>(sys::kCloneVfork | sys::kSignalChild), 0, 0, 0, 0);
  if (command == 0) {
    outcome->report = ExecuteUnblocked(launch);
    sys::Exit(kExitFailed);
  }
  if (command < 0) outcome->report = Report{Stage::kClone, static_cast<int32_t>(-command), -1};
  if (outcome->report.stage != Stage::kNone) sys::Exit(kExitFailed);
  const ChildInfo ended = Supervise(static_cast<int>(command), -1, &watch);
  outcome->exit_code = ended.code == 1 ? ended.status : -1;
  outcome->signal = ended.code == 1 ? 0 : ended.status;
  sys::Exit(0);
}

[[noreturn]] void EndBySignal(int signal) {
  const sys::SignalAction by_default{nullptr, 0, nullptr, 0};
  const uint64_t none = 0;
  sys::SetSignalAction(signal, by_default);
  sys::SetSignalMask(2, &none, nullptr);
  sys::Call(__NR_kill, sys::Call(__NR_getpid), signal);
  sys::Exit(128 + signal);
}

// A process cannot move itself into a PID namespace: this one stays outside, passes signals on and ends as
// the command did; when it is killed, everything inside is.
[[noreturn]] void ExecIsolated(const Launch& launch) {
  auto* outcome = static_cast<SharedOutcome*>(AllocateShared());
  if (outcome == nullptr) Refuse(Report{Stage::kInit, static_cast<int32_t>(sys::kENOMEM), -1});
  *outcome = SharedOutcome{{}, -1, 0};
  const uint64_t all = ~0ull;
  sys::SetSignalMask(2, &all, nullptr);
  int lifeline[2];
  const long piped = sys::Call(__NR_pipe2, sys::Word(lifeline), sys::kCloseOnExec);
  if (piped < 0) Refuse(Report{Stage::kPipes, static_cast<int32_t>(-piped), -1});
  const uint64_t flags = sys::kSignalChild | NamespaceCloneFlags(launch.plan.header->flags);
  const long init = sys::Call(__NR_clone, static_cast<long>(flags), 0, 0, 0, 0);
  if (init == 0) RunAsInit(launch, outcome, lifeline[0]);
  if (init < 0) Refuse(Report{Stage::kClone, static_cast<int32_t>(-init), -1});
  MountWatch none;  // the first process inside looks after them
  const ChildInfo ended = Supervise(static_cast<int>(init), -1, &none);
  if (outcome->report.stage != Stage::kNone) Refuse(outcome->report);
  if (outcome->signal != 0) EndBySignal(outcome->signal);
  if (outcome->exit_code >= 0) sys::Exit(outcome->exit_code);
  EndBySignal(ended.code == 1 ? 9 : ended.status);  // the first process itself was killed
}

struct OwnRequest {
  RequestHeader header;
  char directory[8];
};

}  // namespace

void Exec(const char* plan_path, int count, const char** command, const char* const* environment,
          bool stand_in) {
  sys::ArmFaults();
  if (stand_in) refusal_code = kRefusedHelper;
  const long fd = sys::OpenAt(sys::kAtFdCwd, plan_path, sys::kReadOnly | sys::kCloseOnExec);
  if (fd < 0) Refuse(Report{Stage::kImage, static_cast<int32_t>(-fd), -1});
  const Image plan = MapImage(static_cast<int>(fd));
  Launch launch{};
  if (plan.data == nullptr || !ReadPlan(plan.data, plan.size, &launch.plan)) {
    Refuse(Report{Stage::kImage, static_cast<int32_t>(sys::kEINVAL), -1});
  }
  // The directory is the caller's own; it is named so that it is looked up again in the new tree.
  constexpr long kPathMax = 4096;
  auto* directory = static_cast<char*>(Allocate(sizeof(OwnRequest) + kPathMax));
  auto* request = reinterpret_cast<OwnRequest*>(directory);
  const long length = sys::Call(__NR_getcwd, sys::Word(request->directory), kPathMax);
  if (length < 0 || request->directory[0] != '/') {
    Refuse(Report{Stage::kWorkingDirectory, static_cast<int32_t>(length < 0 ? -length : sys::kENOENT), -1});
  }
  request->header = RequestHeader{};
  request->header.working_directory = sizeof(RequestHeader);
  launch.request.data = reinterpret_cast<const uint8_t*>(request);
  launch.request.header = &request->header;
  auto** argv = static_cast<const char**>(Allocate(static_cast<size_t>(count + 2) * sizeof(char*)));
  for (int i = 0; i < count; i++) argv[i + 1] = command[i];
  launch.argv = argv + 1;
  launch.envp = environment;
  launch.candidates = Candidates(command[0], environment);
  launch.moves = SameDescriptors(3);
  launch.moves_count = 3;
  launch.user_id = static_cast<uint32_t>(sys::Call(__NR_geteuid));
  launch.group_id = static_cast<uint32_t>(sys::Call(__NR_getegid));
  const uint32_t mounts = launch.plan.header->mounts_count;
  launch.trees = static_cast<int*>(Allocate((mounts + 1) * sizeof(int)));
  if (launch.plan.header->flags & kOwnPid) ExecIsolated(launch);
  Report report;
  if (ConfineInChild(launch, &report)) report = ExecuteUnblocked(launch);
  Refuse(report);
}

}  // namespace castellan
