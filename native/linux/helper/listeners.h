// The way out of a network namespace that has only a loopback: sockets that listen there are handed to the
// host, which connects what comes in to the proxies it was told of, and to nothing else.
#ifndef CASTELLAN_LINUX_HELPER_LISTENERS_H_
#define CASTELLAN_LINUX_HELPER_LISTENERS_H_

#include "../child.h"

namespace castellan {

// Listens on each of these ports of 127.0.0.1 (decimal numbers), sends the sockets through `through` and
// closes it. Before the command exists, and before anything closes these calls.
Report HandListenersOver(int through, const char* const* ports, int count);

}  // namespace castellan

#endif  // CASTELLAN_LINUX_HELPER_LISTENERS_H_
