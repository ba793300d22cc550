// The process that the kernel made last, as the end of /proc/loadavg tells it (proc_loadavg(5)). A command
// that is still the last one when it has ended, and was not waited for yet, has started nothing: its number
// was taken all the time, so no later process can go by it. That spares a look at every process.
#ifndef CASTELLAN_LINUX_LAST_PROCESS_H_
#define CASTELLAN_LINUX_LAST_PROCESS_H_

#include "../unique_fd.h"

namespace castellan {

class LastProcess {
 public:
  LastProcess();

  // False as well where it cannot be told: without a /proc of this process's own PID namespace, and where
  // somebody answers in place of the kernel (lxcfs).
  bool Is(int pid) const;

 private:
  UniqueFd load_;
};

}  // namespace castellan

#endif  // CASTELLAN_LINUX_LAST_PROCESS_H_
