// Sealed in-memory files, which JavaScript cannot make.
#ifndef CASTELLAN_LINUX_MEMORY_FILE_H_
#define CASTELLAN_LINUX_MEMORY_FILE_H_

#include <stddef.h>

namespace castellan {

// A close-on-exec descriptor of an in-memory file that holds `data` and can never change again, or -errno.
// Executable when `mode` has an execute bit.
int MakeMemoryFile(const char* name, const void* data, size_t size, unsigned mode);

}  // namespace castellan

#endif  // CASTELLAN_LINUX_MEMORY_FILE_H_
