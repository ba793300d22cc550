// The helper program: static, without libc, embedded into the addon and run from sealed memory.
//
//   guard TAG            waits on descriptor 4 for the host's death, then ends every process marked with the
//   host's tag.
//                        Gets a 'q' instead when the host shuts down in order. Before either it is told of
//                        placeholders ("+PATH", "-PATH", each with a NUL); those that are left it removes.
//   inner PLAN REQUEST REPORT COUNT [PORT …]
//                        the first process inside a PID namespace or inside bubblewrap: reads the images from
//                        the descriptors PLAN and REQUEST, does what is left to confine, starts the command
//                        with descriptors 0 … COUNT-1, tells its pid and its end through the descriptor
//                        REPORT, takes the exits of orphans, passes signals on, and ends as the command did.
//                        With ports, the last of these descriptors is a socket that is not for the command:
//                        before it starts, sockets that listen on these ports of 127.0.0.1 go out through it.
//   exec PLAN -- COMMAND …
//                        for wrap(): reads the plan image from the file PLAN, confines itself and becomes the
//                        command.
//   become PLAN -- COMMAND …
//                        the same for a program that stands for codex-linux-sandbox: every failure ends it
//                        with 101, the code that callers of that program know.
//
// It must never execute a command after a step failed, and never print anything but the one line that says
// why `exec` could not start the command.
#include "../child.h"
#include "../helper_record.h"
#include "../placeholder.h"
#include "../syscalls.h"
#include "../tag.h"
#include "listeners.h"
#include "words.h"

// The compiler may emit calls to these; there is no libc to have them.
extern "C" {
void* memset(void* target, int value, size_t size) {
  auto* bytes = static_cast<volatile unsigned char*>(target);
  for (size_t i = 0; i < size; i++) bytes[i] = static_cast<unsigned char>(value);
  return target;
}
void* memcpy(void* target, const void* source, size_t size) {
  auto* to = static_cast<volatile unsigned char*>(target);
  const auto* from = static_cast<const unsigned char*>(source);
  for (size_t i = 0; i < size; i++) to[i] = from[i];
  return target;
}
void* memmove(void* target, const void* source, size_t size) {
  auto* to = static_cast<volatile unsigned char*>(target);
  const auto* from = static_cast<const unsigned char*>(source);
  if (to < from) return memcpy(target, source, size);
  for (size_t i = size; i > 0; i--) to[i - 1] = from[i - 1];
  return target;
}
int memcmp(const void* a, const void* b, size_t size) {
  const auto* x = static_cast<const unsigned char*>(a);
  const auto* y = static_cast<const unsigned char*>(b);
  for (size_t i = 0; i < size; i++) {
    if (x[i] != y[i]) return x[i] - y[i];
  }
  return 0;
}
}

namespace castellan {
namespace {

constexpr int kExitFailed = 125, kExitCannotExecute = 126, kExitNotFound = 127;

void* Allocate(size_t size) {
  const long result = sys::Call(__NR_mmap, 0, static_cast<long>(size), 3 /* READ|WRITE */,
                                0x22 /* PRIVATE|ANONYMOUS */, -1, 0);
  if (result < 0 && result > -4096) sys::Exit(kExitFailed);
  return reinterpret_cast<void*>(result);
}

struct Image {
  const uint8_t* data;
  size_t size;
};

Image MapImage(int fd) {
  sys::Statx found;
  if (sys::StatxOf(fd, &found) < 0 || found.size == 0) return {nullptr, 0};
  const long result =
      sys::Call(__NR_mmap, 0, static_cast<long>(found.size), 1 /* READ */, 2 /* PRIVATE */, fd, 0);
  if (result < 0 && result > -4096) return {nullptr, 0};
  return {reinterpret_cast<const uint8_t*>(result), found.size};
}

// Takes notes about placeholders until the host ends; returns whether it ended in order.
bool AwaitHost(PlaceholderList* placeholders) {
  char note[2 * kPlaceholderNoteSize];
  size_t filled = 0;
  for (;;) {
    const long got = sys::Read(4, note + filled, sizeof note - filled);
    if (got <= 0) return false;
    filled += static_cast<size_t>(got);
    size_t begin = 0;
    for (size_t at = 0; at < filled; at++) {
      if (at == begin && note[at] == 'q') return true;
      if (note[at] != '\0') continue;
      placeholders->Take(note + begin);
      begin = at + 1;
    }
    memmove(note, note + begin, filled - begin);
    filled -= begin;
    if (filled == sizeof note) filled = 0;  // not a note of the launcher's, which are shorter
  }
}

// A host that was killed may still be closing its descriptors, and with them its locks.
void RemovePlaceholders(PlaceholderList* placeholders) {
  for (int round = 0; round < 200 && placeholders->RemoveAll(); round++) {
    const int64_t pause[2] = {0, 5'000'000};  // seconds, nanoseconds
    sys::Call(__NR_nanosleep, sys::Word(pause), 0);
  }
}

[[noreturn]] void Guard(uint64_t tag) {
  // Only SIGKILL ends the guard before its work is done.
  const uint64_t all = ~0ull;
  sys::SetSignalMask(2, &all, nullptr);
  sys::ChangeDirectory("/");
  auto* placeholders = static_cast<PlaceholderList*>(Allocate(sizeof(PlaceholderList)));
  if (!AwaitHost(placeholders)) KillTagged(tag, kTagHostMask, 2000);
  // Not earlier: a command that still runs could create what a placeholder stood for.
  RemovePlaceholders(placeholders);
  sys::Exit(0);
}

void Tell(int fd, int32_t kind, int32_t a, int32_t b, int32_t c) {
  const HelperRecord record{kind, {a, b, c}};
  sys::Write(fd, &record, sizeof record);
}

const char** Pointers(const RequestView& view, const uint32_t* offsets, uint32_t count) {
  auto** all = static_cast<const char**>(Allocate((count + 2) * sizeof(char*)));
  const char** pointers = all + 1;  // one spare in front, see Launch::argv
  for (uint32_t i = 0; i < count; i++) pointers[i] = view.Text(offsets[i]);
  pointers[count] = nullptr;
  return pointers;
}

DescriptorMove* SameDescriptors(uint32_t count) {
  auto* moves = static_cast<DescriptorMove*>(Allocate((count + 1) * sizeof(DescriptorMove)));
  for (uint32_t i = 0; i < count; i++) moves[i] = {static_cast<int>(i), static_cast<int>(i)};
  return moves;
}

struct ChildInfo {
  int32_t signal, error, code, pad, pid, uid, status;
  char rest[100];
};
static_assert(sizeof(ChildInfo) == 128, "siginfo_t is 128 bytes");
constexpr int kAllChildren = 0, kExited = 4, kNoHang = 1, kSignalChildEnded = 17, kSentByKernel = 0x80;

// Takes every exit there is; true when the command's own is among them.
bool ReapInto(ChildInfo* command_info, int command) {
  bool ended = false;
  for (;;) {
    ChildInfo info{};
    const long result = sys::Call(__NR_waitid, kAllChildren, 0, sys::Word(&info), kExited | kNoHang, 0);
    if (result == -sys::kEINTR) continue;
    if (result < 0 || info.pid == 0) return ended;
    if (info.pid != command) continue;
    *command_info = info;
    ended = true;
  }
}

// Waits for the command's end. Every signal is blocked and taken here: an exit is reaped, anything that was
// sent to this process is passed on to the command. What the terminal sends (by the kernel) the command has
// got itself.
ChildInfo Supervise(int command) {
  const uint64_t all = ~0ull;
  ChildInfo ended{};
  for (;;) {
    if (ReapInto(&ended, command)) return ended;
    ChildInfo signal{};
    const long number = sys::Call(__NR_rt_sigtimedwait, sys::Word(&all), sys::Word(&signal), 0, 8);
    if (number <= 0 || number == kSignalChildEnded || signal.code == kSentByKernel) continue;
    sys::Call(__NR_kill, command, number);
  }
}

// As the first process of a PID namespace: ends all others there, and returns when they are gone.
void EndNamespace() {
  sys::Call(__NR_kill, -1, 9 /* SIGKILL */);
  long result;
  do result = sys::Call(__NR_waitid, kAllChildren, 0, 0, kExited, 0);
  while (result >= 0 || result == -sys::kEINTR);
}

// The end is told once nothing is left but this process, so that nobody has to wait until the kernel has
// taken the namespaces apart.
[[noreturn]] void EndLike(int report, int command) {
  const ChildInfo info = Supervise(command);
  const bool exited = info.code == 1;  // CLD_EXITED
  const bool first = sys::Call(__NR_getpid) == 1;
  if (first) EndNamespace();
  Tell(report, HelperRecord::kEnded, exited ? info.status : -1, exited ? 0 : info.status, first ? 1 : 0);
  sys::Exit(exited ? info.status : 128 + info.status);
}

[[noreturn]] void Inner(int plan_fd, int request_fd, int report, uint32_t descriptors,
                        const char* const* ports, int ports_count) {
  sys::ArmFaults();
  const Image plan = MapImage(plan_fd), request = MapImage(request_fd);
  // Shared with the child, which fills it when a step fails.
  const long shared = sys::Call(__NR_mmap, 0, 4096, 3, 0x21 /* SHARED|ANONYMOUS */, -1, 0);
  Launch launch{};
  if (plan.data == nullptr || request.data == nullptr || (shared < 0 && shared > -4096) ||
      !ReadPlan(plan.data, plan.size, &launch.plan) ||
      !ReadRequest(request.data, request.size, &launch.request)) {
    Tell(report, HelperRecord::kFailed, static_cast<int32_t>(Stage::kImage),
         static_cast<int32_t>(sys::kEINVAL), -1);
    sys::Exit(kExitFailed);
  }
  const RequestHeader& header = *launch.request.header;
  launch.candidates = Pointers(launch.request, launch.request.candidates, header.candidates_count);
  launch.argv = Pointers(launch.request, launch.request.argv, header.argv_count);
  launch.envp = Pointers(launch.request, launch.request.env, header.env_count);
  if (ports_count > 0) {
    descriptors--;
    const Report listening = HandListenersOver(static_cast<int>(descriptors), ports, ports_count);
    if (listening.stage != Stage::kNone) {
      Tell(report, HelperRecord::kFailed, static_cast<int32_t>(listening.stage), listening.error,
           listening.index);
      sys::Exit(kExitFailed);
    }
  }
  launch.moves = SameDescriptors(descriptors);
  launch.moves_count = descriptors;
  auto* outcome = reinterpret_cast<Report*>(shared);
  *outcome = Report{};
  // Before the command exists: a process of the same user must not be able to change this one's memory.
  sys::Prctl(4 /* PR_SET_DUMPABLE */, 0);
  const uint64_t all = ~0ull;
  sys::SetSignalMask(2, &all, nullptr);
  const long command =
      sys::Call(__NR_clone, static_cast<long>(sys::kCloneVfork | sys::kSignalChild), 0, 0, 0, 0);
  if (command == 0) RunInChild(launch, outcome);
  sys::DisarmFaults();
  if (command < 0) *outcome = Report{Stage::kClone, static_cast<int32_t>(-command), -1};
  if (outcome->stage != Stage::kNone) {
    Tell(report, HelperRecord::kFailed, static_cast<int32_t>(outcome->stage), outcome->error, outcome->index);
    sys::Exit(kExitFailed);
  }
  Tell(report, HelperRecord::kStarted, static_cast<int32_t>(command), 0, 0);
  // The command's ends of its pipes must not be held open here.
  for (uint32_t fd = 0; fd < descriptors; fd++) sys::Close(static_cast<int>(fd));
  EndLike(report, static_cast<int>(command));
}

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

void Print(const char* text) {
  sys::Write(2, text, LengthOf(text));
}

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
  const long command =
      sys::Call(__NR_clone, static_cast<long>(sys::kCloneVfork | sys::kSignalChild), 0, 0, 0, 0);
  if (command == 0) {
    outcome->report = ExecuteUnblocked(launch);
    sys::Exit(kExitFailed);
  }
  if (command < 0) outcome->report = Report{Stage::kClone, static_cast<int32_t>(-command), -1};
  if (outcome->report.stage != Stage::kNone) sys::Exit(kExitFailed);
  const ChildInfo ended = Supervise(static_cast<int>(command));
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
  const long shared = sys::Call(__NR_mmap, 0, 4096, 3, 0x21 /* SHARED|ANONYMOUS */, -1, 0);
  if (shared < 0 && shared > -4096) Refuse(Report{Stage::kInit, static_cast<int32_t>(-shared), -1});
  auto* outcome = reinterpret_cast<SharedOutcome*>(shared);
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
  const ChildInfo ended = Supervise(static_cast<int>(init));
  if (outcome->report.stage != Stage::kNone) Refuse(outcome->report);
  if (outcome->signal != 0) EndBySignal(outcome->signal);
  if (outcome->exit_code >= 0) sys::Exit(outcome->exit_code);
  EndBySignal(ended.code == 1 ? 9 : ended.status);  // the first process itself was killed
}

struct OwnRequest {
  RequestHeader header;
  char directory[8];
};

[[noreturn]] void Exec(const char* plan_path, int count, const char** command,
                       const char* const* environment) {
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

}  // namespace

// argc, argv and the environment as the kernel laid them out.
extern "C" [[noreturn]] void CastellanHelperMain(const long* stack) {
  const long count = stack[0];
  auto** arguments = reinterpret_cast<const char**>(const_cast<long*>(stack + 1));
  const char* const* environment = const_cast<const char* const*>(arguments + count + 1);
  if (count == 3 && Equal(arguments[1], "guard")) Guard(ParseNumber(arguments[2]));
  if (count >= 6 && Equal(arguments[1], "inner")) {
    Inner(static_cast<int>(ParseNumber(arguments[2])), static_cast<int>(ParseNumber(arguments[3])),
          static_cast<int>(ParseNumber(arguments[4])), static_cast<uint32_t>(ParseNumber(arguments[5])),
          arguments + 6, static_cast<int>(count - 6));
  }
  const bool become = count >= 2 && Equal(arguments[1], "become");
  if (become) refusal_code = kRefusedHelper;
  if (count >= 5 && (become || Equal(arguments[1], "exec")) && Equal(arguments[3], "--")) {
    Exec(arguments[2], static_cast<int>(count - 4), arguments + 4, environment);
  }
  Print("castellan-helper: started by castellan only\n");
  sys::Exit(kExitFailed);
}

}  // namespace castellan

#if defined(__x86_64__)
asm(".globl _start\n_start:\n\txorl %ebp, %ebp\n\tmovq %rsp, %rdi\n\tandq $-16, %rsp\n\tcall "
    "CastellanHelperMain\n\thlt\n");
#elif defined(__aarch64__)
asm(".globl _start\n_start:\n\tmov x29, xzr\n\tmov x0, sp\n\tand sp, x0, #-16\n\tbl "
    "CastellanHelperMain\n\tbrk 1\n");
#endif
