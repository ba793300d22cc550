// What the helper is told through a descriptor: the text of a profile and its parameters, and what the
// command gets. Nothing of it shows in the arguments of a process, and nothing of the command's environment
// acts on the helper, which is not confined yet.
//
//   "CSBX"  u32 version (3)  u32 bytes that follow
//   u32 file mode mask (all ones: none)  text profile
//   u32 count, then per parameter: text key, text value
//   u32 count, then per variable: text NAME=value
//   u32 count, then per file that the command may be, to be tried in this order: text path
//
// A text is a u32 length and its bytes. Numbers are little-endian. Nothing may hold a NUL, and the bytes that
// follow end with the last text.
#ifndef CASTELLAN_MACOS_FRAME_H_
#define CASTELLAN_MACOS_FRAME_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace castellan {

constexpr size_t kHeadSize = 12;
constexpr size_t kLargestFrame = 4 * 1024 * 1024;
constexpr size_t kMostParameters = 4096;
constexpr size_t kMostLines = 65536;
constexpr uint32_t kNoFileModeMask = 0xffffffff;

struct Profile {
  std::string text;
  // Key, value, key, value.
  std::vector<std::string> parameters;
  uint32_t file_mode_mask = kNoFileModeMask;
  std::vector<std::string> environment;
  std::vector<std::string> programs;
};

// Returns nullptr, or what is wrong with the frame.
const char* ParseFrame(const std::string& bytes, Profile* profile);

// Reads one frame and not a byte more, or as much of it as there is. Returns 0 or an errno; EFBIG for more
// than a frame can be.
int ReadFrame(int fd, std::string* bytes);

// Whether nothing follows. Returns 0 or an errno.
int AtEnd(int fd, bool* at_end);

}  // namespace castellan

#endif  // CASTELLAN_MACOS_FRAME_H_
