// Descriptors that a process started by this library sends back.
#ifndef CASTELLAN_LINUX_HANDOVER_H_
#define CASTELLAN_LINUX_HANDOVER_H_

#include <stddef.h>

#include <vector>

namespace castellan {

// A connected pair of close-on-exec UNIX sockets; returns 0 or an errno.
int MakeHandover(int* own, int* other);

// Waits for `count` descriptors from the socket, close-on-exec. Returns 0, an errno, ETIMEDOUT after
// `timeout_ms`, or ECONNRESET when the other side has gone; `taken` then holds what had come, for the caller
// to close.
int TakeDescriptors(int socket, size_t count, int timeout_ms, std::vector<int>* taken);

}  // namespace castellan

#endif  // CASTELLAN_LINUX_HANDOVER_H_
