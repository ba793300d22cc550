// Runs between clone and exec, in memory shared with the host process, and in the helper program.
//
// It makes raw system calls only (syscalls.h): no libc, no allocation, no locks, no errno, no thread-locals.
// Everything it reads was prepared before the clone; everything it writes is the Launch's own scratch space
// and the report. .ci/child-symbols checks the undefined symbols of this object against a list.
//
// The order, and why:
//   signals       handlers of the host must never run here; ignored signals must not be inherited by the
//   command session       before descriptors: a new session has no controlling terminal to push input into
//   stdio         while the numbers are still the host's
//   tag           before anything can be started: every descendant carries it
//   out of memory while /proc is the host's and writable
//   identity map  before mounts: mount calls need the ids to exist in the namespace
//   mounts        before Landlock: a landlocked process cannot mount
//   directory     in the new tree
//   second map    after mounts: the tree belongs to the outer namespace, so nothing below can undo it
//   capabilities  after the last step that needs one, before exec can turn user id 0 into capabilities again
//   no_new_privs  before Landlock and the filter, which demand it of the unprivileged
//   Landlock      paths are opened in the tree the command will see
//   descriptors   after the last descriptor was used: nothing of the host crosses into the command
//   limits        after the last thing that could run into one
//   filter        last: it closes calls the steps above need
#include "child.h"

#include "open_path.h"
#include "syscalls.h"

namespace castellan {
namespace {

bool FailInChild(Report* report, Stage stage, long result, int32_t index = -1) {
  report->stage = stage;
  report->error = static_cast<int32_t>(-result);
  report->index = index;
  return false;
}

bool ResetSignalsInChild(Report* report) {
  const sys::SignalAction by_default{nullptr, 0, nullptr, 0};
  for (int signal = 1; signal <= 64; signal++) {
    if (signal == 9 || signal == 19) continue;  // KILL and STOP cannot be set
    const long result = sys::SetSignalAction(signal, by_default);
    if (result < 0) return FailInChild(report, Stage::kSignals, result, signal);
  }
  return true;
}

bool StartSessionInChild(uint32_t flags, Report* report) {
  long result = 0;
  if (flags & kNewSession)
    result = sys::Call(__NR_setsid);
  else if (flags & kNewGroup)
    result = sys::Call(__NR_setpgid, 0, 0);
  return result >= 0 || FailInChild(report, Stage::kSession, result);
}

// Every source is first moved above every target, so that no move overwrites a source that is still needed,
// and so that source and target always differ (dup3 would fail, and the host's own close-on-exec flag would
// stay).
bool MoveDescriptorsInChild(const Launch& launch, Report* report) {
  int highest = 2;
  for (uint32_t i = 0; i < launch.moves_count; i++) {
    if (launch.moves[i].target > highest) highest = launch.moves[i].target;
  }
  for (uint32_t i = 0; i < launch.moves_count; i++) {
    const long moved = sys::DuplicateAbove(launch.moves[i].source, highest + 1);
    if (moved < 0) return FailInChild(report, Stage::kStdio, moved, launch.moves[i].target);
    launch.moves[i].source = static_cast<int>(moved);
  }
  for (uint32_t i = 0; i < launch.moves_count; i++) {
    const long result = sys::DuplicateTo(launch.moves[i].source, launch.moves[i].target);
    if (result < 0) return FailInChild(report, Stage::kStdio, result, launch.moves[i].target);
  }
  return true;
}

bool MarkInChild(uint64_t tag, Report* report) {
  if (tag == 0) return true;
  const long result = sys::SetResourceLimit(sys::kResourceRealTime, sys::ResourceLimit{tag, tag});
  return result >= 0 || FailInChild(report, Stage::kTag, result);
}

// The caller has compared: a process may always make itself likelier to be chosen, and this one only does
// that.
bool OfferToOutOfMemoryKillerInChild(const Launch& launch, Report* report) {
  if (launch.oom_score_adjust == nullptr) return true;
  const long fd = sys::OpenAt(sys::kAtFdCwd, "/proc/self/oom_score_adj", sys::kWriteOnly | sys::kCloseOnExec);
  if (fd < 0) return FailInChild(report, Stage::kLimits, fd);
  const long written = sys::Write(static_cast<int>(fd), launch.oom_score_adjust, launch.oom_score_length);
  sys::Close(static_cast<int>(fd));
  return written >= 0 || FailInChild(report, Stage::kLimits, written);
}

constexpr int kResources[kLimits] = {0 /* CPU */, 2 /* DATA */, 6 /* NPROC */, 7 /* NOFILE */, 1 /* FSIZE */};

// Never more than the process may have already. The hard limit of processor time lies a second above the soft
// one, so that SIGXCPU tells before SIGKILL ends.
bool LimitInChild(const RequestHeader& request, Report* report) {
  for (int limit = 0; limit < kLimits; limit++) {
    const uint64_t wanted = request.limits[limit];
    if (wanted == kNoLimit) continue;
    sys::ResourceLimit own{};
    long result = sys::GetResourceLimit(kResources[limit], &own);
    if (result < 0) return FailInChild(report, Stage::kLimits, result, limit);
    const uint64_t soft = wanted < own.hard ? wanted : own.hard;
    const uint64_t hard = limit == kLimitCpu && soft + 1 < own.hard ? soft + 1 : soft;
    result = sys::SetResourceLimit(kResources[limit], sys::ResourceLimit{soft, hard});
    if (result < 0) return FailInChild(report, Stage::kLimits, result, limit);
  }
  if (request.file_mode_mask != kSameMask) sys::Call(__NR_umask, static_cast<long>(request.file_mode_mask));
  return true;
}

// Writes "<inside> <outside> 1\n".
size_t FormatMapInChild(char* out, uint32_t inside, uint32_t outside) {
  const uint32_t numbers[] = {inside, outside, 1};
  size_t length = 0;
  for (const uint32_t number : numbers) {
    char digits[10];
    int count = 0;
    uint32_t rest = number;
    do digits[count++] = static_cast<char>('0' + rest % 10);
    while ((rest /= 10) != 0);
    while (count > 0) out[length++] = digits[--count];
    out[length++] = ' ';
  }
  out[length - 1] = '\n';
  return length;
}

bool WriteFileInChild(int directory, const char* path, const char* text, size_t size, Report* report) {
  const long fd = sys::OpenAt(directory, path, sys::kWriteOnly | sys::kCloseOnExec);
  if (fd < 0) return FailInChild(report, Stage::kIdentityMap, fd);
  const long written = sys::Write(static_cast<int>(fd), text, size);
  sys::Close(static_cast<int>(fd));
  if (written == static_cast<long>(size)) return true;
  return FailInChild(report, Stage::kIdentityMap, written < 0 ? written : -sys::kEINVAL);
}

struct Identity {
  uint32_t user, group;
};

// One line per map is all an unprivileged process may write, and only after giving up setgroups(2).
bool WriteIdentityMapsInChild(int proc, Identity inside, Identity outside, bool deny_setgroups,
                              Report* report) {
  char line[64];
  if (deny_setgroups && !WriteFileInChild(proc, "self/setgroups", "deny", 4, report)) return false;
  size_t size = FormatMapInChild(line, inside.user, outside.user);
  if (!WriteFileInChild(proc, "self/uid_map", line, size, report)) return false;
  size = FormatMapInChild(line, inside.group, outside.group);
  return WriteFileInChild(proc, "self/gid_map", line, size, report);
}

bool BringLoopbackUpInChild(Report* report) {
  struct {
    char name[16];
    int16_t flags;
    char rest[22];
  } request = {"lo", 1 /* IFF_UP */, {}};
  const long socket = sys::Call(__NR_socket, 2 /* AF_INET */, 2 /* SOCK_DGRAM */, 0);
  if (socket < 0) return FailInChild(report, Stage::kNamespaces, socket);
  const long result = sys::Call(__NR_ioctl, socket, 0x8914 /* SIOCSIFFLAGS */, sys::Word(&request));
  sys::Close(static_cast<int>(socket));
  return result >= 0 || FailInChild(report, Stage::kNamespaces, result);
}

// A clone of /proc stays writable when the tree below becomes read-only, and stays reachable when the root
// changes. With what is mounted on it: of a locked mount the kernel gives no copy that would uncover
// something. Where trees cannot be cloned, the tree that this is part of stays as it is
// (child_mount_calls.h).
long OpenProcessFilesInChild() {
  const long proc =
      sys::OpenTree(sys::kAtFdCwd, "/proc", sys::kOpenTreeClone | sys::kOpenTreeCloexec | sys::kAtRecursive);
  if (proc != -sys::kENOSYS && proc != -sys::kEPERM) return proc;
  return sys::OpenAt(sys::kAtFdCwd, "/proc", sys::kPath | sys::kDirectory | sys::kCloseOnExec);
}

// A private pts file system can only be made where user id 0 exists. An unprivileged user is therefore 0 in a
// first namespace, which owns the mounts, and itself again in a second one below it, which owns nothing.
bool EnterTreeInChild(const Launch& launch, Report* report) {
  const uint32_t flags = launch.plan.header->flags;
  if (!(flags & kNamespaces)) return (flags & kMountsMade) != 0 || VerifyBindsInChild(launch.plan, report);
  if (!launch.namespaces_made) {
    const long result = sys::Unshare(NamespaceCloneFlags(flags));
    if (result < 0) return FailInChild(report, Stage::kNamespaces, result);
  }
  const long proc = OpenProcessFilesInChild();
  if (proc < 0) return FailInChild(report, Stage::kIdentityMap, proc);
  const Identity self{launch.user_id, launch.group_id};
  const Identity zero{0, 0};
  const bool twice = launch.user_id != 0 || launch.group_id != 0;
  if (!WriteIdentityMapsInChild(static_cast<int>(proc), zero, self, true, report)) return false;
  if ((flags & kOwnNet) && !BringLoopbackUpInChild(report)) return false;
  if (!SetUpMountsInChild(launch, report)) return false;
  if (twice) {
    const long result = sys::Unshare(sys::kCloneNewUser);
    if (result < 0) return FailInChild(report, Stage::kNamespaces, result);
    if (!WriteIdentityMapsInChild(static_cast<int>(proc), self, zero, false, report)) return false;
  }
  sys::Close(static_cast<int>(proc));
  return true;
}

constexpr int kPrctlCapabilityBoundingDrop = 24, kPrctlNoNewPrivileges = 38, kPrctlAmbient = 47;

bool DropCapabilitiesInChild(Report* report) {
  sys::CapabilityHeader header{0x20080522, 0};
  sys::CapabilityData data[2] = {};
  long result = sys::Call(__NR_capget, sys::Word(&header), sys::Word(data));
  if (result < 0) return FailInChild(report, Stage::kCapabilities, result);
  constexpr uint32_t kSetPcap = 1u << 8;
  const bool privileged = (data[0].permitted | data[1].permitted) != 0;
  // Without CAP_SETPCAP the bounding set stays; no_new_privs then keeps exec from taking anything out of it.
  if (data[0].effective & kSetPcap) {
    for (int capability = 0; capability < 64; capability++) {
      result = sys::Prctl(kPrctlCapabilityBoundingDrop, capability);
      if (result == -sys::kEINVAL) break;
      if (result < 0) return FailInChild(report, Stage::kCapabilities, result, capability);
    }
  } else if (privileged) {
    return FailInChild(report, Stage::kCapabilities, -sys::kEPERM);
  }
  result = sys::Prctl(kPrctlAmbient, 4 /* PR_CAP_AMBIENT_CLEAR_ALL */);
  if (result < 0 && result != -sys::kEINVAL) return FailInChild(report, Stage::kCapabilities, result);
  const sys::CapabilityData none[2] = {};
  result = sys::Call(__NR_capset, sys::Word(&header), sys::Word(none));
  return result >= 0 || FailInChild(report, Stage::kCapabilities, result);
}

bool AddLandlockRuleInChild(const PlanView& plan, uint32_t index, int ruleset, Report* report) {
  const RuleRecord& record = plan.rules[index];
  // Canonical paths hold no link; finding one means that the path was changed since the plan was made.
  const long fd = OpenWithoutLinksInChild(sys::kAtFdCwd, plan.Text(record.path));
  if (fd < 0)
    return (record.flags & kOptional) ||
           FailInChild(report, Stage::kLandlock, fd, static_cast<int32_t>(index));
  const long result = sys::AddLandlockPath(ruleset, {record.allowed_access, static_cast<int32_t>(fd)});
  sys::Close(static_cast<int>(fd));
  return result >= 0 || FailInChild(report, Stage::kLandlock, result, static_cast<int32_t>(index));
}

bool CloseDescriptorsInChild(const Launch& launch, Report* report) {
  // The targets are few and small; what lies between and above them is closed range by range.
  int next = 3;
  for (;;) {
    int target = -1;
    for (uint32_t i = 0; i < launch.moves_count; i++) {
      const int candidate = launch.moves[i].target;
      if (candidate >= next && (target < 0 || candidate < target)) target = candidate;
    }
    if (target < 0) break;
    if (target > next) {
      const long result = sys::CloseRange(static_cast<unsigned>(next), static_cast<unsigned>(target - 1));
      if (result < 0) return FailInChild(report, Stage::kDescriptors, result);
    }
    next = target + 1;
  }
  const long result = sys::CloseRange(static_cast<unsigned>(next), ~0u);
  return result >= 0 || FailInChild(report, Stage::kDescriptors, result);
}

bool InstallFilterInChild(const PlanView& plan, Report* report) {
  if (plan.header->filter_count == 0) return true;
  const long result = sys::InstallFilter({static_cast<uint16_t>(plan.header->filter_count), plan.filter});
  return result >= 0 || FailInChild(report, Stage::kFilter, result);
}

}  // namespace

uint64_t NamespaceCloneFlags(uint32_t plan_flags) {
  if (!(plan_flags & kNamespaces)) return 0;
  return sys::kCloneNewUser | sys::kCloneNewNs | (plan_flags & kOwnPid ? sys::kCloneNewPid : 0) |
         (plan_flags & kOwnIpc ? sys::kCloneNewIpc : 0) | (plan_flags & kOwnNet ? sys::kCloneNewNet : 0);
}

int MakeLandlockRuleset(const PlanView& plan, Report* report) {
  const PlanHeader& header = *plan.header;
  const sys::LandlockRulesetAttributes attributes{header.handled_access_fs, header.handled_access_net,
                                                  header.scoped};
  // Older kernels refuse a longer structure with unknown non-zero members; the plan holds zeros there.
  const size_t size = header.landlock_abi >= 6 ? 24 : header.landlock_abi >= 4 ? 16 : 8;
  const int ruleset = static_cast<int>(sys::CreateLandlockRuleset(&attributes, size, 0));
  if (ruleset < 0) FailInChild(report, Stage::kLandlock, ruleset);
  for (uint32_t i = 0; ruleset >= 0 && i < header.rules_count; i++) {
    if (AddLandlockRuleInChild(plan, i, ruleset, report)) continue;
    sys::Close(ruleset);
    return -1;
  }
  return ruleset;
}

bool RestrictWithLandlock(int ruleset, unsigned flags, Report* report) {
  const long result = sys::LandlockRestrictSelf(ruleset, flags);
  sys::Close(ruleset);
  return result >= 0 || FailInChild(report, Stage::kLandlock, result);
}

bool ConfineInChild(const Launch& launch, Report* report) {
  const PlanHeader& plan = *launch.plan.header;
  const RequestHeader& request = *launch.request.header;
  if (!ResetSignalsInChild(report) || !StartSessionInChild(request.flags, report)) return false;
  if (!MoveDescriptorsInChild(launch, report) || !MarkInChild(request.tag, report)) return false;
  if (!OfferToOutOfMemoryKillerInChild(launch, report)) return false;
  if (!EnterTreeInChild(launch, report)) return false;
  const long result = sys::ChangeDirectory(launch.request.Text(request.working_directory));
  if (result < 0) return FailInChild(report, Stage::kWorkingDirectory, result);
  if (plan.flags & kNoNewPrivileges) {
    if (!DropCapabilitiesInChild(report)) return false;
    const long set = sys::Prctl(kPrctlNoNewPrivileges, 1);
    if (set < 0) return FailInChild(report, Stage::kNoNewPrivileges, set);
  }
  if (plan.flags & kLandlock) {
    const int ruleset = MakeLandlockRuleset(launch.plan, report);
    if (ruleset < 0 || !RestrictWithLandlock(ruleset, 0, report)) return false;
  }
  return CloseDescriptorsInChild(launch, report) && LimitInChild(request, report) &&
         InstallFilterInChild(launch.plan, report);
}

long ExecuteCandidatesInChild(const Launch& launch) {
  long telling = -sys::kENOENT;
  for (const char* const* candidate = launch.candidates; *candidate != nullptr; candidate++) {
    long result = sys::Execute(*candidate, launch.argv, launch.envp);
    if (result == -sys::kENOEXEC) {
      const char* const first = launch.argv[0];
      launch.argv[-1] = "/bin/sh";
      launch.argv[0] = *candidate;
      result = sys::Execute("/bin/sh", launch.argv - 1, launch.envp);
      launch.argv[0] = first;
      return result;
    }
    if (result == -sys::kEACCES)
      telling = result;
    else if (result != -sys::kENOENT && result != -sys::kENOTDIR && result != -sys::kESTALE)
      return result;
  }
  return telling;
}

void RunInChild(const Launch& launch, Report* report) {
  if (ConfineInChild(launch, report)) {
    if (!launch.keep_signal_mask) {
      const uint64_t none = 0;
      sys::SetSignalMask(2, &none, nullptr);
    }
    FailInChild(report, Stage::kExec, ExecuteCandidatesInChild(launch));
  }
  sys::Exit(127);
}

}  // namespace castellan
