#include "memory.h"

// The compiler writes calls of these for assignments and loops.
#ifdef CASTELLAN_NO_RUNTIME
extern "C" {

void* memcpy(void* to, const void* from, size_t size) {
  auto* target = static_cast<volatile unsigned char*>(to);
  const auto* source = static_cast<const unsigned char*>(from);
  for (size_t at = 0; at < size; at++) target[at] = source[at];
  return to;
}

void* memmove(void* to, const void* from, size_t size) {
  auto* target = static_cast<volatile unsigned char*>(to);
  const auto* source = static_cast<const unsigned char*>(from);
  if (target <= source) {
    for (size_t at = 0; at < size; at++) target[at] = source[at];
  } else {
    for (size_t at = size; at > 0; at--) target[at - 1] = source[at - 1];
  }
  return to;
}

void* memset(void* to, int value, size_t size) {
  auto* target = static_cast<volatile unsigned char*>(to);
  for (size_t at = 0; at < size; at++) target[at] = static_cast<unsigned char>(value);
  return to;
}

int memcmp(const void* left, const void* right, size_t size) {
  const auto* one = static_cast<const unsigned char*>(left);
  const auto* other = static_cast<const unsigned char*>(right);
  for (size_t at = 0; at < size; at++) {
    if (one[at] != other[at]) return one[at] < other[at] ? -1 : 1;
  }
  return 0;
}

}  // extern "C"
#endif

namespace castellan {

void* Allocate(size_t size) {
  void* memory = HeapAlloc(GetProcessHeap(), 0, size == 0 ? 1 : size);
  if (memory == nullptr) TerminateProcess(GetCurrentProcess(), 126);
  return memory;
}

void* Reallocate(void* memory, size_t size) {
  if (memory == nullptr) return Allocate(size);
  void* moved = HeapReAlloc(GetProcessHeap(), 0, memory, size == 0 ? 1 : size);
  if (moved == nullptr) TerminateProcess(GetCurrentProcess(), 126);
  return moved;
}

void Release(void* memory) {
  if (memory != nullptr) HeapFree(GetProcessHeap(), 0, memory);
}

size_t LengthOf(const wchar_t* text) {
  size_t length = 0;
  while (text[length] != 0) length++;
  return length;
}

bool SameText(const wchar_t* left, const wchar_t* right) {
  size_t at = 0;
  while (left[at] != 0 && left[at] == right[at]) at++;
  return left[at] == right[at];
}

void Text::Put(const wchar_t* text) {
  Append(text, LengthOf(text));
}

void Text::PutNumber(unsigned long long number) {
  wchar_t digits[20];
  size_t count = 0;
  do {
    digits[count++] = static_cast<wchar_t>(L'0' + number % 10);
    number /= 10;
  } while (number != 0);
  while (count > 0) Add(digits[--count]);
}

wchar_t* Text::z() {
  const size_t length = size();
  Add(0);
  Resize(length);
  return data();
}

const wchar_t* Text::z() const {
  return const_cast<Text*>(this)->z();
}

bool Text::Equals(const wchar_t* other) const {
  return SameText(z(), other);
}

bool Text::Equals(const Text& other) const {
  return size() == other.size() && memcmp(data(), other.data(), size() * sizeof(wchar_t)) == 0;
}

}  // namespace castellan
