// What runs between clone and exec: carries out a plan image on the calling process and executes the command.
// See child.cc for the order of the steps and the calls it may make.
#ifndef CASTELLAN_LINUX_CHILD_H_
#define CASTELLAN_LINUX_CHILD_H_

#include "image.h"

namespace castellan {

// The step that failed. Names for people are in lib/process/stages.ts, in the same order.
enum class Stage : int32_t {
  kNone = 0,
  kClone = 1,
  kSignals = 2,
  kSession = 3,
  kStdio = 4,
  kTag = 5,
  kNamespaces = 6,
  kIdentityMap = 7,
  kMount = 8,
  kRoot = 9,
  kWorkingDirectory = 10,
  kCapabilities = 11,
  kNoNewPrivileges = 12,
  kLandlock = 13,
  kDescriptors = 14,
  kFilter = 15,
  kExec = 16,
  kPipes = 17,
  kImage = 18,
  kInit = 19,
  kListen = 20,
  kLimits = 21,
  kPlaceholder = 22,  // what keeps a path missing could not be put
  kChanged = 23,      // the disk is not what the plan was made for
};

// Written by the child into memory it shares with the parent (or sent through a descriptor by the helper).
struct Report {
  Stage stage = Stage::kNone;
  int32_t error = 0;   // errno, positive
  int32_t index = -1;  // mount operation, Landlock rule or descriptor
};

struct DescriptorMove {
  int source, target;
};

struct Launch {
  PlanView plan;
  RequestView request;
  const char* const* candidates;  // NULL-terminated
  // argv[-1] and argv[0] belong to the array as well, so that a script without an interpreter line can be
  // given to /bin/sh in place (as execvp(3) does) without memory being needed.
  const char** argv;
  const char* const* envp;
  DescriptorMove* moves;  // rewritten while descriptors are moved out of the way
  uint32_t moves_count;
  int* trees;            // one slot per mount record, for mounts taken before the tree is made read-only
  bool namespaces_made;  // clone(2) was given the namespace flags; otherwise they are unshared here
  bool keep_signal_mask;
  // Written to /proc/self/oom_score_adj when it is not null.
  const char* oom_score_adjust;
  uint32_t oom_score_length;
  uint32_t user_id, group_id;  // effective ids in the host's namespace
};

// The flags of clone(2) for the namespaces that a plan asks for.
uint64_t NamespaceCloneFlags(uint32_t plan_flags);

// Applies the plan to the calling process. Returns false with the report filled when a step failed; the
// caller must not go on to execute anything then.
bool ConfineInChild(const Launch& launch, Report* report);

// The Landlock rules of a plan, which hold nothing yet: a descriptor, or a negative number with the report
// filled.
int MakeLandlockRuleset(const PlanView& plan, Report* report);

// Takes the ruleset, with flags of landlock_restrict_self(2).
bool RestrictWithLandlock(int ruleset, unsigned flags, Report* report);

// Confines, then executes. Never returns: when anything failed, the report is filled and the process ends
// with 127.
[[noreturn]] void RunInChild(const Launch& launch, Report* report);

// Tries the program candidates in order; returns only on failure, with -errno of the most telling attempt.
long ExecuteCandidatesInChild(const Launch& launch);

// child_mounts.cc
bool SetUpMountsInChild(const Launch& launch, Report* report);

// For a tree that another program made: each bind must show what the plan was made for. child_verify.cc
bool VerifyBindsInChild(const PlanView& plan, Report* report);

}  // namespace castellan

#endif  // CASTELLAN_LINUX_CHILD_H_
