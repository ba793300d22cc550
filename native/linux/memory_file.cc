// See memory_file.h.
#include "memory_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "../unique_fd.h"

namespace castellan {
namespace {

// MFD_NOEXEC_SEAL and MFD_EXEC came with Linux 6.3; older kernels refuse them, and then every such file can
// be executed.
constexpr unsigned kNoExecuteSeal = 0x8, kExecutable = 0x10;

int Create(const char* name, bool executable) {
  constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  const int fd = memfd_create(name, kFlags | (executable ? kExecutable : kNoExecuteSeal));
  return fd < 0 && errno == EINVAL ? memfd_create(name, kFlags) : fd;
}

}  // namespace

int MakeMemoryFile(const char* name, const void* data, size_t size, unsigned mode) {
  UniqueFd memory(Create(name, (mode & 0111) != 0));
  if (!memory) return -errno;
  const auto* bytes = static_cast<const uint8_t*>(data);
  for (size_t written = 0; written < size;) {
    const ssize_t result = write(memory.get(), bytes + written, size - written);
    if (result < 0 && errno == EINTR) continue;
    if (result <= 0) return result < 0 ? -errno : -EIO;
    written += static_cast<size_t>(result);
  }
  if (lseek(memory.get(), 0, SEEK_SET) != 0 || fchmod(memory.get(), mode) != 0) return -errno;
  if (fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
    return -errno;
  return memory.Release();
}

}  // namespace castellan
