// See clone.h. The hazards of a child in shared memory, and what answers them:
//   - a signal handler of the host running in the child: all signals are blocked around the clone with the
//   raw call
//     (libc's wrapper leaves two of its own out); the child resets every action before it unblocks anything;
//   - the parent's stack: the child has one of its own;
//   - errno, thread-locals, locks: the child makes raw system calls only.
// clone(2) and not clone3(2): container filters commonly refuse the latter.
#include "clone.h"

#include <errno.h>
#include <sys/mman.h>

#include <atomic>

#include "syscalls.h"

namespace castellan {
namespace {

constexpr size_t kStackSize = 128 * 1024;

// Stacks that no child uses now, kept because unmapping memory interrupts every processor that this process
// runs on. A start that finds none makes one.
std::atomic<void*> spare_stacks[4];

void* TakeStack() {
  for (auto& spare : spare_stacks) {
    void* stack = spare.exchange(nullptr);
    if (stack != nullptr) return stack;
  }
  return mmap(nullptr, kStackSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
}

void GiveStackBack(void* stack) {
#if !defined(__SANITIZE_ADDRESS__)
  // There the child, which never returns from its functions, leaves what it marked in the stack's shadow.
  for (auto& spare : spare_stacks) {
    stack = spare.exchange(stack);
    if (stack == nullptr) return;
  }
#endif
  munmap(stack, kStackSize);
}

struct ChildArguments {
  const Launch* launch;
  Report* report;
};

extern "C" [[noreturn]] void CastellanChildEntry(const ChildArguments* arguments) {
  RunInChild(*arguments->launch, arguments->report);
}

// Returns the child's pid or -errno, in the parent. The child calls the entry on its own stack and never
// comes back.
long CloneOnStack(uint64_t flags, void* stack_top, int* pidfd, const ChildArguments* arguments) {
  long result;
#if defined(__x86_64__)
  register long tid asm("r10") = 0;
  register long tls asm("r8") = 0;
  register const ChildArguments* kept asm("r12") = arguments;
  asm volatile(
      "syscall\n\t"
      "testq %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xorl %%ebp, %%ebp\n\t"
      "movq %%r12, %%rdi\n\t"
      "call CastellanChildEntry\n\t"
      "hlt\n"
      "1:\n\t"
      : "=a"(result)
      : "0"(static_cast<long>(__NR_clone)), "D"(flags), "S"(stack_top), "d"(pidfd), "r"(tid), "r"(tls),
        "r"(kept)
      : "rcx", "r11", "memory", "cc");
#elif defined(__aarch64__)
  register long number asm("x8") = __NR_clone;
  register long x0 asm("x0") = static_cast<long>(flags);
  register void* x1 asm("x1") = stack_top;
  register int* x2 asm("x2") = pidfd;
  register long x3 asm("x3") = 0;
  register long x4 asm("x4") = 0;
  register const ChildArguments* kept asm("x19") = arguments;
  asm volatile(
      "svc 0\n\t"
      "cbnz x0, 1f\n\t"
      "mov x29, xzr\n\t"
      "mov x0, x19\n\t"
      "bl CastellanChildEntry\n\t"
      "brk 1\n"
      "1:\n\t"
      : "+r"(x0)
      : "r"(number), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(kept)
      : "memory", "cc", "x30");
  result = x0;
#endif
  return result;
}

// The child has reported and ended (or is about to): take its exit so that no zombie stays.
void Reap(int pidfd) {
  for (;;) {
    const long result = sys::Call(__NR_waitid, 3 /* P_PIDFD */, pidfd, 0, 4 /* WEXITED */, 0);
    if (result != -sys::kEINTR) return;
  }
}

}  // namespace

Started StartChild(const Launch& launch) {
  Started started;
  void* const stack = TakeStack();
  if (stack == MAP_FAILED) {
    started.report = Report{Stage::kClone, errno, -1};
    return started;
  }
  const ChildArguments arguments{&launch, &started.report};
  const uint64_t flags = sys::kCloneVm | sys::kCloneVfork | sys::kClonePidfd | sys::kSignalChild |
                         NamespaceCloneFlags(launch.plan.header->flags);
  const uint64_t all = ~0ull;
  uint64_t previous = 0;
  sys::SetSignalMask(2, &all, &previous);
  sys::ArmFaults();
  long pid = sys::FaultOf(__NR_clone);
  if (pid == 0) pid = CloneOnStack(flags, static_cast<char*>(stack) + kStackSize, &started.pidfd, &arguments);
  sys::DisarmFaults();
  sys::SetSignalMask(2, &previous, nullptr);
  GiveStackBack(stack);
  if (pid < 0) {
    started.report = Report{Stage::kClone, static_cast<int32_t>(-pid), -1};
    started.pidfd = -1;
    return started;
  }
  started.pid = static_cast<int>(pid);
  if (started.report.stage != Stage::kNone) {
    Reap(started.pidfd);
    sys::Close(started.pidfd);
    started.pid = started.pidfd = -1;
  }
  return started;
}

}  // namespace castellan
