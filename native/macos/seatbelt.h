// The calls of Seatbelt that we use. They are not in public headers, so they are looked for when they are
// needed and never linked: where one is missing the answer says so.
#ifndef CASTELLAN_MACOS_SEATBELT_H_
#define CASTELLAN_MACOS_SEATBELT_H_

#include <string>

#include "frame.h"

namespace castellan {

struct SeatbeltOutcome {
  bool done = false;
  // ENOSYS: the function is not there. EPERM: commonly, the process is in a sandbox already.
  int error = 0;
  std::string message;
};

// For the rest of the life of this process and of everything it starts.
SeatbeltOutcome ApplyProfile(const Profile& profile);

// Whether the compiler of this system takes the profile. Confines nothing.
SeatbeltOutcome CompileProfile(const Profile& profile);

// Whether this process is confined. False where the system cannot be asked.
bool IsSandboxed();

bool HasSeatbelt();

// The user's cache directory; empty when there is none.
std::string UserCacheDirectory();

}  // namespace castellan

#endif  // CASTELLAN_MACOS_SEATBELT_H_
