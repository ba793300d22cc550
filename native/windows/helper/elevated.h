// Starts the runner as an account of the sandbox, and stands between it and whoever started this program:
// streams, status and exit code are those of a command that runs here.
#ifndef CASTELLAN_WINDOWS_ELEVATED_H_
#define CASTELLAN_WINDOWS_ELEVATED_H_

#include "descriptors.h"

namespace castellan {

// Returns the command's exit code; does not return when something failed.
UINT RunElevated(HANDLE status, HANDLE stream, const Descriptors& descriptors);

}  // namespace castellan

#endif  // CASTELLAN_WINDOWS_ELEVATED_H_
