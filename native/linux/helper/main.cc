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
#include "../syscalls.h"
#include "exec.h"
#include "guard.h"
#include "listeners.h"
#include "memory.h"
#include "supervise.h"
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

// The end is told once nothing is left but this process, so that nobody has to wait until the kernel has
// taken the namespaces apart.
[[noreturn]] void EndLike(int report, int command, MountWatch* watch) {
  const ChildInfo info = Supervise(command, report, watch);
  const bool exited = info.code == 1;  // CLD_EXITED
  const bool first = sys::Call(__NR_getpid) == 1;
  if (first) EndNamespace();
  if (watch->lost >= 0) Tell(report, HelperRecord::kLost, watch->lost, 0, 0);
  Tell(report, HelperRecord::kEnded, exited ? info.status : -1, exited ? 0 : info.status, first ? 1 : 0);
  sys::Exit(exited ? info.status : 128 + info.status);
}

[[noreturn]] void Inner(int plan_fd, int request_fd, int report, uint32_t descriptors,
                        const char* const* ports, int ports_count) {
  sys::ArmFaults();
  const Image plan = MapImage(plan_fd), request = MapImage(request_fd);
  // Shared with the child, which fills it when a step fails.
  auto* outcome = static_cast<Report*>(AllocateShared());
  Launch launch{};
  if (plan.data == nullptr || request.data == nullptr || outcome == nullptr ||
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
  *outcome = Report{};
  // Before the command exists: a process of the same user must not be able to change this one's memory.
  sys::Prctl(4 /* PR_SET_DUMPABLE */, 0);
  const uint64_t all = ~0ull;
  sys::SetSignalMask(2, &all, nullptr);
  const long watched = WatchHost(report);
  if (watched < 0) {
    Tell(report, HelperRecord::kFailed, static_cast<int32_t>(Stage::kInit), static_cast<int32_t>(-watched),
         -1);
    sys::Exit(kExitFailed);
  }
  MountWatch watch;
  const long standing = StartMountWatch(launch.plan, &watch);
  if (standing < 0) {
    const Stage stage = watch.lost >= 0 ? Stage::kMount : Stage::kInit;
    Tell(report, HelperRecord::kFailed, static_cast<int32_t>(stage), static_cast<int32_t>(-standing),
         watch.lost);
    sys::Exit(kExitFailed);
  }
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
  EndLike(report, static_cast<int>(command), &watch);
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
  if (count >= 5 && (become || Equal(arguments[1], "exec")) && Equal(arguments[3], "--")) {
    Exec(arguments[2], static_cast<int>(count - 4), arguments + 4, environment, become);
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
