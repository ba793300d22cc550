// In the place of Seatbelt where there is none, so that everything around it is exercised there too: framing,
// descriptors, the channel for failures, exec. Only tests build it; it confines nothing. What it answers is
// chosen by the profile.
#include "seatbelt.h"

#include <cerrno>

namespace castellan {

SeatbeltOutcome ApplyProfile(const Profile& profile) {
  if (profile.text.find("; stub: refuse") != std::string::npos) return {false, EPERM, "refused \"here\"\n"};
  if (profile.text.find("; stub: missing") != std::string::npos) {
    return {false, ENOSYS, "sandbox_init_with_parameters is not there"};
  }
  return {true, 0, ""};
}

SeatbeltOutcome CompileProfile(const Profile&) {
  return {false, ENOSYS, "there is no compiler here"};
}

bool IsSandboxed() {
  return false;
}

bool HasSeatbelt() {
  return false;
}

std::string UserCacheDirectory() {
  return "";
}

}  // namespace castellan
