// What a token says of itself.
#ifndef CASTELLAN_WINDOWS_TOKEN_QUERY_H_
#define CASTELLAN_WINDOWS_TOKEN_QUERY_H_

#include "memory.h"
#include "sid.h"

namespace castellan {

// These answer false with GetLastError.
bool QueryToken(HANDLE token, TOKEN_INFORMATION_CLASS what, Bytes* answer);
bool FindUserSid(HANDLE token, SidBytes* sid);
// Also in the token that this one was filtered from.
bool FindLogonSid(HANDLE token, SidBytes* sid);

}  // namespace castellan

#endif  // CASTELLAN_WINDOWS_TOKEN_QUERY_H_
