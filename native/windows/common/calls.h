// Every call that can fail on the way to a command goes through here. In the test build (CASTELLAN_FAULTS)
// the n-th one is made to fail, and what Wine does not do is answered as Windows would; in every other build
// these are the calls themselves, and there is nothing that could be switched on.
#ifndef CASTELLAN_WINDOWS_CALLS_H_
#define CASTELLAN_WINDOWS_CALLS_H_

#include <windows.h>

#ifdef CASTELLAN_FAULTS

namespace castellan {

// True when this call is the one. Also writes its name to the list of calls.
bool FailsNow(const char* call);

// Whether a restricted token is to be answered with as it was asked for.
bool Pretends();

}  // namespace castellan

#define CALL(failing, name, ...) \
  (::castellan::FailsNow(#name) ? (::SetLastError(ERROR_GEN_FAILURE), (failing)) : ::name(__VA_ARGS__))

#else

#define CALL(failing, name, ...) ::name(__VA_ARGS__)

#endif

#endif  // CASTELLAN_WINDOWS_CALLS_H_
