// The process that waits for the death of its host and then ends and removes what is left.
#ifndef CASTELLAN_LINUX_HELPER_GUARD_H_
#define CASTELLAN_LINUX_HELPER_GUARD_H_

#include <stdint.h>

namespace castellan {

[[noreturn]] void Guard(uint64_t tag);

}  // namespace castellan

#endif  // CASTELLAN_LINUX_HELPER_GUARD_H_
