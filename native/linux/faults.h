// Makes chosen system calls fail, in the test build only (CASTELLAN_FAULTS, `npm run faults`); in every other
// build these functions are empty and there is nothing that could be switched on.
//
// Which call fails is in the soft limit RLIMIT_RSS, which Linux does not enforce and which children and the
// helper inherit: ordinal << 10 | errno << 2 | program, where program is 1 for the addon and 2 for the
// helper.
#ifndef CASTELLAN_LINUX_FAULTS_H_
#define CASTELLAN_LINUX_FAULTS_H_

#include <stdint.h>
#include <asm/unistd.h>

namespace castellan::sys {

inline long RawCall(long number, long a, long b, long c, long d, long e, long f);

#if defined(CASTELLAN_FAULTS)

// Calls left until the one that fails; 0: none does.
inline uint64_t faults_left = 0;
inline long fault_error = 0;

inline void ArmFaults() {
  uint64_t limit[2] = {~0ull, ~0ull};
  RawCall(__NR_prlimit64, 0, 5 /* RLIMIT_RSS */, 0, reinterpret_cast<long>(limit), 0, 0);
  if (limit[0] == ~0ull || (limit[0] & 3) != CASTELLAN_FAULTS) return;
  fault_error = static_cast<long>(limit[0] >> 2 & 0xff);
  faults_left = limit[0] >> 10;
}

inline void DisarmFaults() {
  faults_left = 0;
}

// -errno when this call is the one, else 0. Left out is what cannot fail, and what waits for or ends a
// process.
inline long FaultOf(long number) {
  if (faults_left == 0) return 0;
  switch (number) {
    case __NR_close:
    case __NR_exit_group:
    case __NR_rt_sigprocmask:
    case __NR_rt_sigtimedwait:
    case __NR_waitid:
      return 0;
    default:
      return --faults_left == 0 ? -fault_error : 0;
  }
}

#else

inline void ArmFaults() {}
inline void DisarmFaults() {}
inline long FaultOf(long) {
  return 0;
}

#endif

}  // namespace castellan::sys

#endif  // CASTELLAN_LINUX_FAULTS_H_
