// Confines every thread of the calling process, which goes on: Landlock since ABI 8 (Linux 7.0) and seccomp
// can do that (landlock_restrict_self(2), LANDLOCK_RESTRICT_SELF_TSYNC; seccomp(2),
// SECCOMP_FILTER_FLAG_TSYNC).
#ifndef CASTELLAN_LINUX_CONFINE_PROCESS_H_
#define CASTELLAN_LINUX_CONFINE_PROCESS_H_

#include "child.h"

namespace castellan {

struct Confinement {
  Report report;
  // The step that failed was not the first that cannot be taken back: the filter holds every thread from now
  // on, and Landlock none.
  bool partly;
};

// For plans without mounts and namespaces. EPERM in the stage kCapabilities when the process has
// capabilities: they belong to each thread and could be given up in one only; nothing was done then.
//
// In this order, so that what can fail does so while nothing holds: the rules, of which a path may be gone;
// no_new_privs, which takes nothing from a process without capabilities; the filter, which the kernel refuses
// for all threads when one has a filter of its own; Landlock, for which memory or the 16 domains that a
// process can be in may not suffice.
Confinement ConfineProcess(const PlanView& plan);

}  // namespace castellan

#endif  // CASTELLAN_LINUX_CONFINE_PROCESS_H_
