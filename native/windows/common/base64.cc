#include "base64.h"

namespace castellan {
namespace {

constexpr wchar_t kDigits[] = L"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// -1 for what is none.
int ValueOf(wchar_t digit) {
  if (digit >= L'A' && digit <= L'Z') return digit - L'A';
  if (digit >= L'a' && digit <= L'z') return digit - L'a' + 26;
  if (digit >= L'0' && digit <= L'9') return digit - L'0' + 52;
  if (digit == L'+') return 62;
  return digit == L'/' ? 63 : -1;
}

}  // namespace

Text Base64(const unsigned char* bytes, size_t size) {
  Text text;
  for (size_t at = 0; at < size; at += 3) {
    const size_t left = size - at;
    const unsigned group =
        bytes[at] << 16 | (left > 1 ? bytes[at + 1] << 8 : 0) | (left > 2 ? bytes[at + 2] : 0);
    text.Add(kDigits[group >> 18]);
    text.Add(kDigits[group >> 12 & 63]);
    text.Add(left > 1 ? kDigits[group >> 6 & 63] : L'=');
    text.Add(left > 2 ? kDigits[group & 63] : L'=');
  }
  return text;
}

bool ReadBase64(const wchar_t* text, size_t length, Bytes* bytes) {
  bytes->Resize(0);
  if (length % 4 != 0) return false;
  for (size_t at = 0; at < length; at += 4) {
    const bool is_last = at + 4 == length;
    size_t digits = 4;
    while (is_last && digits > 2 && text[at + digits - 1] == L'=') digits--;
    unsigned group = 0;
    for (size_t index = 0; index < 4; index++) {
      const int value = index < digits ? ValueOf(text[at + index]) : 0;
      if (value < 0) return false;
      group = group << 6 | static_cast<unsigned>(value);
    }
    for (size_t index = 0; index + 1 < digits; index++) {
      bytes->Add(static_cast<unsigned char>(group >> (16 - 8 * index)));
    }
  }
  return true;
}

}  // namespace castellan
