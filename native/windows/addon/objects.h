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

  // The path itself, never what a link in its last component names; a path of any length. `\\.\NUL` is the
  // null device; every other path is one of a file system.
  Outcome Open(const wchar_t* path, DWORD access);

  // By its number (ERROR_INVALID_PARAMETER: there is none), on the volume of an object.
  Outcome OpenNumber(const Handle& volume, const unsigned char (&number)[16], DWORD access);

  // What has a list and no number.
  bool is_device() const { return is_device_; }

 private:
  HANDLE handle_ = INVALID_HANDLE_VALUE;
  bool is_device_ = false;
};

// Hexadecimal: 32 and 16 digits.
struct Identity {
  wchar_t file[33];
  wchar_t volume[17];
};

// Two lower-case digits for each byte, and a NUL.
void PutDigits(const unsigned char* bytes, size_t count, wchar_t* digits);

// Of a device, zeros.
Outcome IdentityOf(const Handle& object, Identity* identity);

// Without `\\?\`, as the system spells it.
Outcome FinalPath(HANDLE object, Text* path);

napi_value DescribeObject(napi_env env, napi_callback_info info);
napi_value FindObject(napi_env env, napi_callback_info info);

}  // namespace castellan

#endif  // CASTELLAN_WINDOWS_OBJECTS_H_
