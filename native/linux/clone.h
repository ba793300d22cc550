// Starts a child that shares the host's memory until it executes (as vfork(2) does), so that the cost does
// not grow with the host. Only the calling thread waits.
#ifndef CASTELLAN_LINUX_CLONE_H_
#define CASTELLAN_LINUX_CLONE_H_

#include "child.h"

namespace castellan {

struct Started {
  int pid = -1;
  int pidfd = -1;
  Report report;
};

// Clones, confines and executes. When report.stage is not kNone the command did not run, and the child is
// already gone and reaped. The caller owns pidfd otherwise.
Started StartChild(const Launch& launch);

}  // namespace castellan

#endif  // CASTELLAN_LINUX_CLONE_H_
