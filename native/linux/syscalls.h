// Raw system calls under their kernel names, for code that runs where libc must not: between clone and exec
// in memory shared with the host, and in the helper program, which has no libc. Every call returns the
// kernel's own answer: a value >= 0, or -errno. errno is never touched.
//
// Structures and numbers that Debian 12's headers lack are declared here, from include/uapi/linux of the
// kernel.
#ifndef CASTELLAN_LINUX_SYSCALLS_H_
#define CASTELLAN_LINUX_SYSCALLS_H_

#include <stddef.h>
#include <stdint.h>
#include <asm/unistd.h>

#include "faults.h"

#ifndef __NR_landlock_create_ruleset
#define __NR_landlock_create_ruleset 444
#define __NR_landlock_add_rule 445
#define __NR_landlock_restrict_self 446
#endif
#ifndef __NR_mount_setattr
#define __NR_mount_setattr 442
#endif

namespace castellan::sys {

#if defined(__x86_64__)
inline long RawCall(long number, long a, long b, long c, long d, long e, long f) {
  long result;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  asm volatile("syscall"
               : "=a"(result)
               : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
inline long RawCall(long number, long a, long b, long c, long d, long e, long f) {
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  register long x4 asm("x4") = e;
  register long x5 asm("x5") = f;
  asm volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}
#else
#error "castellan knows x86-64 and arm64 only"
#endif

inline long Call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
  const long fault = FaultOf(number);
  return fault < 0 ? fault : RawCall(number, a, b, c, d, e, f);
}

template <typename T>
inline long Word(T* pointer) {
  return reinterpret_cast<long>(pointer);
}

// errno values this code compares with (asm-generic/errno-base.h).
constexpr long kEPERM = 1, kENOENT = 2, kESRCH = 3, kEINTR = 4, kEBADF = 9, kECHILD = 10, kEAGAIN = 11,
               kENOMEM = 12, kEACCES = 13, kEFAULT = 14, kEEXIST = 17, kENOTDIR = 20, kEINVAL = 22,
               kEMFILE = 24, kESPIPE = 29, kENAMETOOLONG = 36, kENOSYS = 38, kELOOP = 40, kEOVERFLOW = 75,
               kESTALE = 116;
constexpr long kENOEXEC = 8;

constexpr int kAtFdCwd = -100;
constexpr int kAtEmptyPath = 0x1000, kAtRecursive = 0x8000, kAtSymlinkNofollow = 0x100;

constexpr int kReadOnly = 0, kWriteOnly = 1, kReadWrite = 2, kCreate = 0100, kExclusive = 0200,
              kNonBlock = 04000, kCloseOnExec = 02000000;
#if defined(__aarch64__)
constexpr int kDirectory = 040000, kNoFollow = 0100000;
#else
constexpr int kDirectory = 0200000, kNoFollow = 0400000;
#endif
constexpr int kPath = 010000000;

constexpr uint64_t kCloneVm = 0x100, kCloneVfork = 0x4000, kClonePidfd = 0x1000, kCloneNewNs = 0x20000,
                   kCloneNewIpc = 0x08000000, kCloneNewUser = 0x10000000, kCloneNewPid = 0x20000000,
                   kCloneNewNet = 0x40000000;
constexpr uint64_t kSignalChild = 17;

constexpr uint64_t kOpenTreeClone = 1, kOpenTreeCloexec = kCloseOnExec;
constexpr uint64_t kMoveMountFromEmptyPath = 0x4, kMoveMountToEmptyPath = 0x40;
constexpr uint64_t kMountReadOnly = 1, kMountNoSuid = 2, kMountNoDev = 4, kMountNoExec = 8;
constexpr uint64_t kPropagationPrivate = 1ul << 18;
constexpr unsigned kDetach = 2;

struct OpenHow {
  uint64_t flags, mode, resolve;
};
constexpr uint64_t kResolveNoXdev = 1, kResolveNoMagicLinks = 2, kResolveNoSymlinks = 4, kResolveBeneath = 8;

struct MountAttributes {
  uint64_t set, clear, propagation, user_namespace_fd;
};

struct StatxTime {
  int64_t seconds;
  uint32_t nanoseconds;
  int32_t reserved;
};
struct Statx {
  uint32_t mask, block_size;
  uint64_t attributes;
  uint32_t links, uid, gid;
  uint16_t mode, spare0;
  uint64_t inode, size, blocks, attributes_mask;
  StatxTime access_time, birth_time, change_time, modify_time;
  uint32_t special_major, special_minor, device_major, device_minor;
  uint64_t mount_id;
  uint64_t spare[13];
};
static_assert(sizeof(Statx) == 256, "struct statx is 256 bytes");

struct ResourceLimit {
  uint64_t soft, hard;
};
constexpr uint64_t kUnlimited = ~0ull;
constexpr int kResourceRealTime = 15;

struct SignalAction {
  void* handler;
  uint64_t flags;
  void* restorer;
  uint64_t mask;
};

struct FilterProgram {
  uint16_t length;
  const void* instructions;
};

struct LandlockRulesetAttributes {
  uint64_t handled_access_fs, handled_access_net, scoped;
};
struct __attribute__((packed)) LandlockPathBeneath {
  uint64_t allowed_access;
  int32_t parent_fd;
};

struct CapabilityHeader {
  uint32_t version;
  int32_t pid;
};
struct CapabilityData {
  uint32_t effective, permitted, inheritable;
};

inline long OpenAt(int dir, const char* path, int flags, int mode = 0) {
  return Call(__NR_openat, dir, Word(path), flags, mode);
}
inline long OpenAt2(int dir, const char* path, uint64_t flags, uint64_t resolve) {
  OpenHow how{flags, 0, resolve};
  return Call(__NR_openat2, dir, Word(path), Word(&how), sizeof how);
}
// Not retried on EINTR: Linux has released the descriptor whatever close(2) answers.
inline long Close(int fd) {
  return Call(__NR_close, fd);
}
inline long Read(int fd, void* data, size_t size) {
  long result;
  do result = Call(__NR_read, fd, Word(data), static_cast<long>(size));
  while (result == -kEINTR);
  return result;
}
inline long Write(int fd, const void* data, size_t size) {
  long result;
  do result = Call(__NR_write, fd, Word(data), static_cast<long>(size));
  while (result == -kEINTR);
  return result;
}
inline long DuplicateAbove(int fd, int minimum) {
  return Call(__NR_fcntl, fd, 1030 /* F_DUPFD_CLOEXEC */, minimum);
}
// dup3 without flags: the new descriptor stays open across exec. `from` and `to` must differ.
inline long DuplicateTo(int from, int to) {
  return Call(__NR_dup3, from, to, 0);
}
inline long CloseRange(unsigned first, unsigned last) {
  return Call(__NR_close_range, first, last, 0);
}
inline long StatxOf(int fd, Statx* out) {
  return Call(__NR_statx, fd, Word(""), kAtEmptyPath, 0x7ff, Word(out));
}
// Asks the file system nothing: a mount whose server does not answer, or answers its owner only, has an id
// all the same. Linux 5.8.
inline long MountIdOf(int fd, uint64_t* id) {
  Statx found;
  const long result =
      Call(__NR_statx, fd, Word(""), kAtEmptyPath | 0x4000 /* AT_STATX_DONT_SYNC */, 0, Word(&found));
  if (result >= 0) *id = found.mount_id;
  return result;
}
inline long MakeDirectoryAt(int dir, const char* path, int mode) {
  return Call(__NR_mkdirat, dir, Word(path), mode);
}
inline long RemoveDirectory(const char* path) {
  return Call(__NR_unlinkat, kAtFdCwd, Word(path), 0x200 /* AT_REMOVEDIR */);
}
inline long LockExclusivelyNow(int fd) {
  return Call(__NR_flock, fd, 2 | 4 /* LOCK_EX | LOCK_NB */);
}
inline long MakeSymlinkAt(const char* to, int dir, const char* path) {
  return Call(__NR_symlinkat, Word(to), dir, Word(path));
}
inline long MakeFileAt(int dir, const char* path, int mode) {
  return OpenAt(dir, path, kCreate | kExclusive | kWriteOnly | kCloseOnExec | kNoFollow, mode);
}
inline long ChangeDirectory(const char* path) {
  return Call(__NR_chdir, Word(path));
}
inline long ChangeDirectoryTo(int fd) {
  return Call(__NR_fchdir, fd);
}
inline long PivotRoot(const char* root, const char* old) {
  return Call(__NR_pivot_root, Word(root), Word(old));
}
inline long Mount(const char* source, const char* target, const char* type, uint64_t flags,
                  const char* data) {
  return Call(__NR_mount, Word(source), Word(target), Word(type), static_cast<long>(flags), Word(data));
}
inline long Unmount(const char* target, int flags) {
  return Call(__NR_umount2, Word(target), flags);
}
inline long OpenTree(int dir, const char* path, uint64_t flags) {
  return Call(__NR_open_tree, dir, Word(path), static_cast<long>(flags));
}
inline long MoveMountTo(int tree, int target) {
  return Call(__NR_move_mount, tree, Word(""), target, Word(""),
              static_cast<long>(kMoveMountFromEmptyPath | kMoveMountToEmptyPath));
}
inline long SetMountAttributes(int dir, const char* path, int flags, const MountAttributes& attributes) {
  return Call(__NR_mount_setattr, dir, Word(path), flags, Word(&attributes), sizeof attributes);
}
inline long OpenFilesystem(const char* type) {
  return Call(__NR_fsopen, Word(type), 1 /* FSOPEN_CLOEXEC */);
}
inline long ConfigureFilesystem(int fd, unsigned command, const char* key, const char* value) {
  return Call(__NR_fsconfig, fd, command, Word(key), Word(value), 0);
}
inline long MakeMount(int fd, unsigned attributes) {
  return Call(__NR_fsmount, fd, 1 /* FSMOUNT_CLOEXEC */, attributes);
}
inline long Unshare(uint64_t flags) {
  return Call(__NR_unshare, static_cast<long>(flags));
}
inline long Prctl(int option, long a = 0, long b = 0, long c = 0, long d = 0) {
  return Call(__NR_prctl, option, a, b, c, d);
}
inline long SetResourceLimit(int resource, const ResourceLimit& limit) {
  return Call(__NR_prlimit64, 0, resource, Word(&limit), 0);
}
inline long GetResourceLimit(int resource, ResourceLimit* limit) {
  return Call(__NR_prlimit64, 0, resource, 0, Word(limit));
}
inline long SetSignalAction(int signal, const SignalAction& action) {
  return Call(__NR_rt_sigaction, signal, Word(&action), 0, 8);
}
// how: 0 block, 1 unblock, 2 set.
inline long SetSignalMask(int how, const uint64_t* mask, uint64_t* old) {
  return Call(__NR_rt_sigprocmask, how, Word(mask), Word(old), 8);
}
inline long CreateLandlockRuleset(const LandlockRulesetAttributes* attributes, size_t size, unsigned flags) {
  return Call(__NR_landlock_create_ruleset, Word(attributes), static_cast<long>(size), flags);
}
inline long AddLandlockPath(int ruleset, const LandlockPathBeneath& rule) {
  return Call(__NR_landlock_add_rule, ruleset, 1 /* LANDLOCK_RULE_PATH_BENEATH */, Word(&rule), 0);
}
inline long LandlockRestrictSelf(int ruleset, unsigned flags) {
  return Call(__NR_landlock_restrict_self, ruleset, flags);
}
inline long InstallFilter(const FilterProgram& program) {
  return Call(__NR_seccomp, 1 /* SECCOMP_SET_MODE_FILTER */, 0, Word(&program));
}
inline long Execute(const char* path, const char* const* argv, const char* const* envp) {
  return Call(__NR_execve, Word(path), Word(argv), Word(envp));
}
inline long ExecuteAt(int fd, const char* path, const char* const* argv, const char* const* envp, int flags) {
  return Call(__NR_execveat, fd, Word(path), Word(argv), Word(envp), flags);
}
[[noreturn]] inline void Exit(int status) {
  for (;;) Call(__NR_exit_group, status);
}
inline long OpenPidfd(int pid) {
  return Call(__NR_pidfd_open, pid, 0);
}
inline long SendSignal(int pidfd, int signal) {
  return Call(__NR_pidfd_send_signal, pidfd, signal, 0, 0);
}

}  // namespace castellan::sys

#endif  // CASTELLAN_LINUX_SYSCALLS_H_
