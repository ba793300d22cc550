// Finds out what the kernel grants by doing it once, in a child that executes nothing.
#ifndef CASTELLAN_LINUX_PROBE_H_
#define CASTELLAN_LINUX_PROBE_H_

#include "child.h"
#include "launcher.h"

namespace castellan {

// The kernel's Landlock ABI (>= 1), or -errno: ENOSYS not built in, EOPNOTSUPP switched off.
long ProbeLandlockAbi();

// Carries the plan out in a child that then ends. The report's stage is kNone when every step succeeded.
Report ProbePlan(const Plan& plan);

}  // namespace castellan

#endif  // CASTELLAN_LINUX_PROBE_H_
