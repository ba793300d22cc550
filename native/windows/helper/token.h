// Makes the restricted token, and reads back what the system made of it.
#ifndef CASTELLAN_WINDOWS_TOKEN_H_
#define CASTELLAN_WINDOWS_TOKEN_H_

#include "../common/failure.h"
#include "../common/json.h"
#include "../common/memory.h"
#include "../common/sid.h"
#include "request.h"

namespace castellan {

// The identifiers that the plan's principals are in this process.
struct Identities {
  SidBytes logon;
  SidBytes account;

  SidBytes Of(const NamedPrincipal& principal) const;
};

struct TokenReport {
  List<SidBytes> restricting;
  List<Text*> privileges;
  DWORD integrity = 0;

  TokenReport() = default;
  ~TokenReport();
  TokenReport(const TokenReport&) = delete;
  TokenReport& operator=(const TokenReport&) = delete;

  bool IsAsPlanned(const TokenPlan& plan, const Identities& identities) const;
  void Write(JsonWriter* writer) const;
};

// Carries out the plan. `token` is closed by the caller, also after a failure.
Failure MakeToken(const TokenPlan& plan, Identities* identities, HANDLE* token);

Failure ReadToken(HANDLE token, const wchar_t* stage, TokenReport* report);

// A list that gives everything to the default list's principals. Null: GetLastError.
bool MakeFullAccessList(const TokenPlan& plan, const Identities& identities, Bytes* acl);

}  // namespace castellan

#endif  // CASTELLAN_WINDOWS_TOKEN_H_
