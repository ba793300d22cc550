// Starts the command: in a job from its birth, suspended, with the handles that are meant for it and no
// others. It goes on only after its token and its job were looked at once more.
#ifndef CASTELLAN_WINDOWS_LAUNCH_H_
#define CASTELLAN_WINDOWS_LAUNCH_H_

#include "../common/failure.h"
#include "descriptors.h"
#include "request.h"
#include "token.h"

namespace castellan {

// `kNested`: in another job, or the other one. Windows has no place there for a job with limits on windows
// (Microsoft, "AssignProcessToJobObject"); a command of another account has a desktop of its own.
enum class JobKind { kOutermost, kNested };

// A job that ends with its last handle, which is this process's: nothing outlives it.
Failure MakeJob(JobKind kind, HANDLE* job);

struct Launched {
  HANDLE process = nullptr;
  DWORD pid = 0;
};

// After a failure no process is left. `report` is filled when the token of the process is not the planned
// one.
Failure Launch(const Request& request, const Identities& identities, HANDLE token, HANDLE job,
               const Descriptors& descriptors, Launched* launched, TokenReport* report);

}  // namespace castellan

#endif  // CASTELLAN_WINDOWS_LAUNCH_H_
