#include "sid.h"

namespace castellan {
namespace {

constexpr unsigned char kMostNumbers = 15;

DWORD NumberAt(const SidBytes& sid, unsigned index) {
  DWORD number;
  CopyMemory(&number, sid.bytes + 8 + 4 * index, sizeof(number));
  return number;
}

void PutNumberAt(SidBytes* sid, unsigned index, DWORD number) {
  CopyMemory(sid->bytes + 8 + 4 * index, &number, sizeof(number));
}

// Takes `-number` off the front.
bool TakeNumber(const wchar_t** text, unsigned long long most, unsigned long long* number) {
  if (**text != L'-') return false;
  const wchar_t* first = *text + 1;
  const wchar_t* at = first;
  unsigned long long value = 0;
  for (; *at >= L'0' && *at <= L'9'; at++) {
    value = value * 10 + static_cast<unsigned>(*at - L'0');
    if (value > most) return false;
  }
  if (at == first || (*first == L'0' && at - first > 1)) return false;
  *text = at;
  *number = value;
  return true;
}

}  // namespace

bool ReadSid(const wchar_t* text, SidBytes* sid) {
  *sid = SidBytes();
  if (text[0] != L'S') return false;
  text++;
  unsigned long long number = 0;
  if (!TakeNumber(&text, 1, &number) || number != 1) return false;
  if (!TakeNumber(&text, (1ull << 48) - 1, &number)) return false;
  sid->bytes[0] = 1;
  for (int index = 0; index < 6; index++)
    sid->bytes[7 - index] = static_cast<unsigned char>(number >> (8 * index));
  while (*text != 0) {
    if (sid->bytes[1] == kMostNumbers || !TakeNumber(&text, 0xffffffff, &number)) return false;
    PutNumberAt(sid, sid->bytes[1]++, static_cast<DWORD>(number));
  }
  return sid->bytes[1] > 0;
}

bool IsCapability(const SidBytes& sid) {
  static const unsigned char kAuthority[6] = {0, 0, 0, 0, 0, 5};
  return sid.bytes[1] == 5 && memcmp(sid.bytes + 2, kAuthority, 6) == 0 && NumberAt(sid, 0) == 21;
}

bool SameDomain(const SidBytes& left, const SidBytes& right) {
  return IsCapability(left) && IsCapability(right) && memcmp(left.bytes, right.bytes, 8 + 4 * 4) == 0;
}

bool SameSid(const SidBytes& left, const SidBytes& right) {
  return left.size() == right.size() && memcmp(left.bytes, right.bytes, left.size()) == 0;
}

bool CopySid(PSID from, SidBytes* to) {
  const auto* bytes = static_cast<const unsigned char*>(from);
  if (bytes == nullptr || bytes[0] != 1 || bytes[1] > kMostNumbers) return false;
  *to = SidBytes();
  CopyMemory(to->bytes, bytes, 8 + 4u * bytes[1]);
  return true;
}

Text SidText(const SidBytes& sid) {
  unsigned long long authority = 0;
  for (int index = 2; index < 8; index++) authority = authority << 8 | sid.bytes[index];
  Text text(L"S-1-");
  text.PutNumber(authority);
  for (unsigned index = 0; index < sid.bytes[1]; index++) {
    text.Put(L"-");
    text.PutNumber(NumberAt(sid, index));
  }
  return text;
}

SidBytes WellKnownSid(unsigned char authority, DWORD number) {
  SidBytes sid = {};
  sid.bytes[0] = 1;
  sid.bytes[1] = 1;
  sid.bytes[7] = authority;
  PutNumberAt(&sid, 0, number);
  return sid;
}

}  // namespace castellan
