// The program that has loaded this addon: Node.js, Electron, whatever holds it.
#ifndef CASTELLAN_WINDOWS_HOST_H_
#define CASTELLAN_WINDOWS_HOST_H_

#include <windows.h>

namespace castellan {

// A function that the host exports, by its name; null when it has none of that name.
FARPROC FindInHost(const char* name);

}  // namespace castellan

#endif  // CASTELLAN_WINDOWS_HOST_H_
