// Descriptors of a C runtime, as one process hands them to another: STARTUPINFO.lpReserved2 holds a count, a
// byte of flags for each and a handle for each, without padding. Node.js, libuv and every C runtime of
// Windows read it so.
#ifndef CASTELLAN_WINDOWS_DESCRIPTORS_H_
#define CASTELLAN_WINDOWS_DESCRIPTORS_H_

#include "../common/failure.h"
#include "../common/memory.h"

namespace castellan {

class Descriptors {
 public:
  // What this process was given.
  Failure Read();

  // Three pipes of this process's own instead: standard input, output, errors.
  void Hold(const HANDLE (&pipes)[3]);

  // The handle, which is no longer handed on; null when there is none.
  HANDLE Take(unsigned descriptor);

  HANDLE At(unsigned descriptor) const;

  // For the command's STARTUPINFO.
  Bytes Pack() const;

  // Each handle once, and inheritable.
  Failure MakeInheritable(List<HANDLE>* handles) const;

 private:
  List<HANDLE> handles_;
  Bytes flags_;
};

}  // namespace castellan

#endif  // CASTELLAN_WINDOWS_DESCRIPTORS_H_
