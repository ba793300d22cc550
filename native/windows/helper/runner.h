// The part that works as an account of the sandbox: it restricts itself, because the user may not give the
// account's restricted token to a process.
#ifndef CASTELLAN_WINDOWS_RUNNER_H_
#define CASTELLAN_WINDOWS_RUNNER_H_

#include "../common/memory.h"

namespace castellan {

// `line`: what follows the word `runner`. Returns the exit code.
UINT RunAsAccount(const wchar_t* line);

}  // namespace castellan

#endif  // CASTELLAN_WINDOWS_RUNNER_H_
