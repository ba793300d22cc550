// What the helper program writes into its report pipe, one record after the other.
#ifndef CASTELLAN_LINUX_HELPER_RECORD_H_
#define CASTELLAN_LINUX_HELPER_RECORD_H_

#include <stdint.h>

namespace castellan {

struct HelperRecord {
  enum Kind : int32_t {
    kFailed = 1,   // values: stage, errno, index
    kStarted = 2,  // values: the command's pid as the helper sees it
    kEnded = 3,    // values: exit code or -1, signal or 0, 1 when no process of the command is left
    kLost = 4,  // values: the plan's mount that somebody outside took away, for which the command was ended
  };
  int32_t kind;
  int32_t values[3];
};
static_assert(sizeof(HelperRecord) == 16);

}  // namespace castellan

#endif  // CASTELLAN_LINUX_HELPER_RECORD_H_
