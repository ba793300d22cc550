// Objects of file systems, opened by path and known by number.
#ifndef CASTELLAN_WINDOWS_OBJECTS_H_
#define CASTELLAN_WINDOWS_OBJECTS_H_

#include "js.h"

namespace castellan {

// Holds a handle and closes it.
class Handle {
 public:
  Handle() = default;
  ~Handle() {
    if (handle_ != INVALID_HANDLE_VALUE) CloseHandle(handle_);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  HANDLE get() const { return handle_; }

  // The path itself, never what a link in its last component names; a path of any length.
  Outcome Open(const wchar_t* path, DWORD access);

 private:
  HANDLE handle_ = INVALID_HANDLE_VALUE;
};

// Hexadecimal: 32 and 16 digits.
struct Identity {
  wchar_t file[33];
  wchar_t volume[17];
};

Outcome IdentityOf(HANDLE object, Identity* identity);

napi_value DescribeObject(napi_env env, napi_callback_info info);

}  // namespace castellan

#endif  // CASTELLAN_WINDOWS_OBJECTS_H_
