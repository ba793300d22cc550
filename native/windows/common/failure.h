// What did not work, and where.
#ifndef CASTELLAN_WINDOWS_FAILURE_H_
#define CASTELLAN_WINDOWS_FAILURE_H_

#include <windows.h>

namespace castellan {

struct Failure {
  // Null: nothing failed.
  const wchar_t* stage = nullptr;
  // The function, or what is wrong.
  const wchar_t* what = nullptr;
  DWORD win32 = 0;

  explicit operator bool() const { return stage != nullptr; }
};

// Right after the call, before anything else sets the error. A call that failed without saying why is a
// failure too.
inline Failure LastFailure(const wchar_t* stage, const wchar_t* call) {
  const DWORD error = GetLastError();
  return {stage, call, error == 0 ? static_cast<DWORD>(ERROR_GEN_FAILURE) : error};
}

}  // namespace castellan

#endif  // CASTELLAN_WINDOWS_FAILURE_H_
