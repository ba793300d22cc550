// The two pipes between the helper of the user and the runner of the account. Their names are random and
// taken first, the account alone may open them, and never from another machine.
#ifndef CASTELLAN_WINDOWS_PIPES_H_
#define CASTELLAN_WINDOWS_PIPES_H_

#include "../common/failure.h"
#include "../common/memory.h"
#include "../common/sid.h"

namespace castellan {

struct Pipes {
  // From the helper to the runner, and back.
  HANDLE to = INVALID_HANDLE_VALUE;
  HANDLE from = INVALID_HANDLE_VALUE;
};

// `\\.\pipe\NAME-to` and `\\.\pipe\NAME-from`.
Failure MakePipes(const Text& name, const SidBytes& account, Pipes* pipes);

// Waits for the process with this number, and refuses any other one.
Failure AwaitClient(const Pipes& pipes, DWORD pid);

// As the runner. Whoever made the pipes cannot act as it.
Failure OpenPipes(const Text& name, Pipes* pipes);

// Lower-case hexadecimal digits from the system's random numbers, two for each byte.
Failure PutRandom(size_t bytes, Text* text);

}  // namespace castellan

#endif  // CASTELLAN_WINDOWS_PIPES_H_
