// Security identifiers as bytes and as text. By our own code: text that comes from outside is held to one
// spelling.
#ifndef CASTELLAN_WINDOWS_SID_H_
#define CASTELLAN_WINDOWS_SID_H_

#include "memory.h"

namespace castellan {

struct SidBytes {
  unsigned char bytes[SECURITY_MAX_SID_SIZE];

  PSID get() { return bytes; }
  PSID get() const { return const_cast<unsigned char*>(bytes); }
  DWORD size() const { return 8 + 4u * bytes[1]; }
};

// `S-1-` authority and at most 15 numbers, in decimal without leading zeros.
bool ReadSid(const wchar_t* text, SidBytes* sid);

// `S-1-5-21-a-b-c-d`. Accounts have this form as well, with their machine's or domain's three numbers.
bool IsCapability(const SidBytes& sid);

// Whether both are of one machine or domain.
bool SameDomain(const SidBytes& left, const SidBytes& right);

bool SameSid(const SidBytes& left, const SidBytes& right);
bool CopySid(PSID from, SidBytes* to);
Text SidText(const SidBytes& sid);
SidBytes WellKnownSid(unsigned char authority, DWORD number);

}  // namespace castellan

#endif  // CASTELLAN_WINDOWS_SID_H_
