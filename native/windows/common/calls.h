// Every call whose failure could matter goes through here, in the helper and in the addon. In the test build
// (CASTELLAN_FAULTS) the n-th one is made to fail, and what Wine does not do is answered as Windows would; in
// every other build these are the calls themselves, and there is nothing that could be switched on.
// test/package/windows-calls.test.ts has the few that are made without it, each with its reason.
#ifndef CASTELLAN_WINDOWS_CALLS_H_
#define CASTELLAN_WINDOWS_CALLS_H_

#include <windows.h>

#ifdef CASTELLAN_FAULTS

namespace castellan {

// True when this call is the one. Also writes its name to the list of calls.
bool FailsNow(const char* call);

// Whether a restricted token, and an access list, is to be answered with as it was asked for.
bool Pretends();

// From now on: counts anew and makes this call fail, from 1; 0: none. For a process that is asked more than
// once, in place of the variables.
void FailAt(LONG ordinal);

// The names of the calls since then.
size_t CallCount();
const char* CallAt(size_t index);

}  // namespace castellan

#define CALL(failing, name, ...) \
  (::castellan::FailsNow(#name) ? (::SetLastError(ERROR_GEN_FAILURE), (failing)) : ::name(__VA_ARGS__))

// A method of COM, or anything else that is no function of the system's by its name.
#define ASK(failing, name, expression) \
  (::castellan::FailsNow(name) ? (::SetLastError(ERROR_GEN_FAILURE), (failing)) : (expression))

#else

#define ASK(failing, name, expression) (expression)
#define CALL(failing, name, ...) ::name(__VA_ARGS__)

#endif

#endif  // CASTELLAN_WINDOWS_CALLS_H_
