// A pipe whose ends are owned and closed on exec from their creation.
#ifndef CASTELLAN_LINUX_PIPE_H_
#define CASTELLAN_LINUX_PIPE_H_

#include <fcntl.h>
#include <unistd.h>

#include "../unique_fd.h"

namespace castellan {

// Returns false with errno set.
inline bool MakePipe(UniqueFd* read_end, UniqueFd* write_end) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  read_end->Reset(ends[0]);
  write_end->Reset(ends[1]);
  return true;
}

}  // namespace castellan

#endif  // CASTELLAN_LINUX_PIPE_H_
