// Confines every thread of the calling process, which goes on: Landlock since ABI 8 (Linux 7.0) and seccomp
// can do that (landlock_restrict_self(2), LANDLOCK_RESTRICT_SELF_TSYNC; seccomp(2),
// SECCOMP_FILTER_FLAG_TSYNC).
#ifndef CASTELLAN_LINUX_CONFINE_PROCESS_H_
#define CASTELLAN_LINUX_CONFINE_PROCESS_H_

#include "child.h"

namespace castellan {

// For plans without mounts and namespaces. EPERM in the stage kCapabilities when the process has
// capabilities: they belong to each thread and could be given up in one only; nothing was done then. After
// any other failure the process may be held to a part of the plan already.
Report ConfineProcess(const PlanView& plan);

}  // namespace castellan

#endif  // CASTELLAN_LINUX_CONFINE_PROCESS_H_
