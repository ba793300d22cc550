// What the helper is told through a descriptor: the text of a profile and its parameters. Nothing of it shows
// in the arguments of a process.
//
//   "CSBX"  u32 version (1)  u32 length, profile  u32 count, then per parameter: u32 length, key  u32 length,
//   value
//
// Numbers are little-endian. Nothing may hold a NUL, and nothing follows.
#ifndef CASTELLAN_MACOS_FRAME_H_
#define CASTELLAN_MACOS_FRAME_H_

#include <cstddef>
#include <string>
#include <vector>

namespace castellan {

constexpr size_t kLargestFrame = 4 * 1024 * 1024;
constexpr size_t kMostParameters = 4096;

struct Profile {
  std::string text;
  // Key, value, key, value.
  std::vector<std::string> parameters;
};

// Returns nullptr, or what is wrong with the frame.
const char* ParseFrame(const std::string& bytes, Profile* profile);

// Reads until the end. Returns 0 or an errno; EFBIG for more than a frame can be.
int ReadFrame(int fd, std::string* bytes);

}  // namespace castellan

#endif  // CASTELLAN_MACOS_FRAME_H_
