// Bytes as text in frames (RFC 4648, with padding).
#ifndef CASTELLAN_WINDOWS_BASE64_H_
#define CASTELLAN_WINDOWS_BASE64_H_

#include "memory.h"

namespace castellan {

Text Base64(const unsigned char* bytes, size_t size);

// False for anything but one whole text; `bytes` is then not to be used.
bool ReadBase64(const wchar_t* text, size_t length, Bytes* bytes);

}  // namespace castellan

#endif  // CASTELLAN_WINDOWS_BASE64_H_
