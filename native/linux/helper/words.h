// The little of <string.h> and <stdlib.h> that the helper program needs; it has no libc.
#ifndef CASTELLAN_LINUX_HELPER_WORDS_H_
#define CASTELLAN_LINUX_HELPER_WORDS_H_

#include <stddef.h>
#include <stdint.h>

// main.cc brings it.
extern "C" void* memmove(void* target, const void* source, size_t size);

namespace castellan {

inline size_t LengthOf(const char* text) {
  size_t length = 0;
  while (text[length] != '\0') length++;
  return length;
}

inline bool Equal(const char* a, const char* b) {
  while (*a != '\0' && *a == *b) a++, b++;
  return *a == *b;
}

inline uint64_t ParseNumber(const char* text) {
  uint64_t value = 0;
  for (; *text >= '0' && *text <= '9'; text++) value = value * 10 + static_cast<uint64_t>(*text - '0');
  return value;
}

}  // namespace castellan

#endif  // CASTELLAN_LINUX_HELPER_WORDS_H_
