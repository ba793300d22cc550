#include "token.h"

#include "../common/calls.h"
#include "../common/token_query.h"

namespace castellan {
namespace {

constexpr DWORD kLow = SECURITY_MANDATORY_LOW_RID;
constexpr DWORD kMedium = SECURITY_MANDATORY_MEDIUM_RID;

struct NamedLevel {
  DWORD level;
  const wchar_t* name;
};
constexpr NamedLevel kLevels[] = {{SECURITY_MANDATORY_UNTRUSTED_RID, L"untrusted"},
                                  {kLow, L"low"},
                                  {kMedium, L"medium"},
                                  {SECURITY_MANDATORY_HIGH_RID, L"high"},
                                  {SECURITY_MANDATORY_SYSTEM_RID, L"system"}};

// Made-up identifiers look like those of accounts. One that the user is known by would restrict nothing.
Failure CheckCapabilities(const List<NamedPrincipal>& principals, const TOKEN_GROUPS& groups,
                          const SidBytes& account) {
  for (const NamedPrincipal& principal : principals) {
    if (principal.kind != Principal::kCapability) continue;
    bool is_known = SameDomain(principal.sid, account);
    for (DWORD index = 0; index < groups.GroupCount && !is_known; index++) {
      SidBytes group;
      is_known = !CopySid(groups.Groups[index].Sid, &group) || SameDomain(principal.sid, group);
    }
    if (is_known) return {L"find-sid", L"a capability is of the user's own machine or domain", 0};
  }
  return {};
}

Failure FindIdentities(HANDLE token, const TokenPlan& plan, Identities* identities) {
  if (!FindLogonSid(token, &identities->logon)) return LastFailure(L"find-sid", L"TokenGroups");
  if (!FindUserSid(token, &identities->account)) return LastFailure(L"find-sid", L"TokenUser");
  Bytes answer;
  if (!QueryToken(token, TokenGroups, &answer)) return LastFailure(L"find-sid", L"TokenGroups");
  const auto& groups = *reinterpret_cast<const TOKEN_GROUPS*>(answer.data());
  const Failure failure = CheckCapabilities(plan.restricting, groups, identities->account);
  return failure ? failure : CheckCapabilities(plan.default_dacl, groups, identities->account);
}

Failure SetDefaultDacl(const TokenPlan& plan, const Identities& identities, HANDLE token) {
  Bytes acl;
  if (!MakeFullAccessList(plan, identities, &acl))
    return LastFailure(L"default-dacl", L"AddAccessAllowedAce");
  TOKEN_DEFAULT_DACL list = {reinterpret_cast<PACL>(acl.data())};
  if (CALL(FALSE, SetTokenInformation, token, TokenDefaultDacl, &list, sizeof(list))) return {};
  return LastFailure(L"default-dacl", L"SetTokenInformation");
}

Failure EnablePrivileges(const TokenPlan& plan, HANDLE token) {
  for (const wchar_t* name : plan.privileges) {
    TOKEN_PRIVILEGES wanted = {};
    wanted.PrivilegeCount = 1;
    wanted.Privileges[0].Attributes = SE_PRIVILEGE_ENABLED;
    if (!CALL(FALSE, LookupPrivilegeValueW, nullptr, name, &wanted.Privileges[0].Luid)) {
      return LastFailure(L"privileges", L"LookupPrivilegeValue");
    }
    // Succeeds also when it enabled nothing, and says so in the error.
    SetLastError(ERROR_SUCCESS);
    const BOOL adjusted = CALL(FALSE, AdjustTokenPrivileges, token, FALSE, &wanted, 0, nullptr, nullptr);
    if (!adjusted || GetLastError() != ERROR_SUCCESS)
      return LastFailure(L"privileges", L"AdjustTokenPrivileges");
  }
  return {};
}

bool ReadIntegrity(HANDLE token, DWORD* level) {
  Bytes answer;
  if (!QueryToken(token, TokenIntegrityLevel, &answer)) return false;
  SidBytes sid;
  if (!CopySid(reinterpret_cast<const TOKEN_MANDATORY_LABEL*>(answer.data())->Label.Sid, &sid) ||
      sid.bytes[1] == 0) {
    SetLastError(ERROR_INVALID_SID);
    return false;
  }
  CopyMemory(level, sid.bytes + sid.size() - sizeof(*level), sizeof(*level));
  return true;
}

Failure SetIntegrity(const TokenPlan& plan, HANDLE token) {
  const DWORD wanted = plan.low ? kLow : kMedium;
  DWORD level = 0;
  if (!ReadIntegrity(token, &level)) return LastFailure(L"integrity", L"TokenIntegrityLevel");
  if (level == wanted) return {};
  SidBytes sid = WellKnownSid(16, wanted);
  TOKEN_MANDATORY_LABEL label = {{sid.get(), SE_GROUP_INTEGRITY}};
  if (CALL(FALSE, SetTokenInformation, token, TokenIntegrityLevel, &label, sizeof(label) + sid.size()))
    return {};
  return LastFailure(L"integrity", L"SetTokenInformation");
}

bool Contains(const List<SidBytes>& sids, const SidBytes& wanted) {
  for (const SidBytes& sid : sids) {
    if (SameSid(sid, wanted)) return true;
  }
  return false;
}

#ifdef CASTELLAN_FAULTS
// What the last restricted token was asked to be, for a system that makes it and forgets.
SidBytes* pretended = nullptr;
size_t pretended_count = 0;
bool pretended_low = false;
#endif

}  // namespace

SidBytes Identities::Of(const NamedPrincipal& principal) const {
  switch (principal.kind) {
    case Principal::kLogon:
      return logon;
    case Principal::kAccount:
      return account;
    case Principal::kEveryone:
      return WellKnownSid(1, 0);
    default:
      return principal.sid;
  }
}

TokenReport::~TokenReport() {
  for (Text* privilege : privileges) {
    privilege->~Text();
    Release(privilege);
  }
}

bool TokenReport::IsAsPlanned(const TokenPlan& plan, const Identities& identities) const {
  if (restricting.empty() || integrity != (plan.low ? kLow : kMedium)) return false;
  List<SidBytes> wanted;
  for (const NamedPrincipal& principal : plan.restricting) {
    const SidBytes sid = identities.Of(principal);
    if (!Contains(restricting, sid)) return false;
    wanted.Add(sid);
  }
  for (const SidBytes& sid : restricting) {
    if (!Contains(wanted, sid)) return false;
  }
  for (const Text* privilege : privileges) {
    bool planned = false;
    for (const wchar_t* name : plan.privileges) planned = planned || privilege->Equals(name);
    if (!planned) return false;
  }
  return true;
}

void TokenReport::Write(JsonWriter* writer) const {
  writer->Open(L"report");
  writer->PutBool(L"restricted", !restricting.empty());
  writer->OpenList(L"restrictingSids");
  for (const SidBytes& sid : restricting) writer->PutText(nullptr, SidText(sid).z());
  writer->CloseList();
  writer->OpenList(L"privileges");
  for (const Text* privilege : privileges) writer->PutText(nullptr, privilege->z());
  writer->CloseList();
  Text level;
  level.PutNumber(integrity);
  const wchar_t* name = level.z();
  for (const NamedLevel& known : kLevels) {
    if (known.level == integrity) name = known.name;
  }
  writer->PutText(L"integrity", name);
  writer->Close();
}

bool MakeFullAccessList(const TokenPlan& plan, const Identities& identities, Bytes* acl) {
  DWORD size = sizeof(ACL);
  for (const NamedPrincipal& principal : plan.default_dacl) {
    size += sizeof(ACCESS_ALLOWED_ACE) - sizeof(DWORD) + identities.Of(principal).size();
  }
  acl->Resize(size);
  auto* list = reinterpret_cast<PACL>(acl->data());
  if (!CALL(FALSE, InitializeAcl, list, size, ACL_REVISION)) return false;
  for (const NamedPrincipal& principal : plan.default_dacl) {
    const SidBytes sid = identities.Of(principal);
    if (!CALL(FALSE, AddAccessAllowedAce, list, ACL_REVISION, GENERIC_ALL, sid.get())) return false;
  }
  return true;
}

Failure MakeToken(const TokenPlan& plan, Identities* identities, HANDLE* token) {
  constexpr DWORD kAccess = TOKEN_DUPLICATE | TOKEN_QUERY | TOKEN_ASSIGN_PRIMARY | TOKEN_ADJUST_DEFAULT |
                            TOKEN_ADJUST_SESSIONID | TOKEN_ADJUST_PRIVILEGES;
  HANDLE own = nullptr;
  if (!CALL(FALSE, OpenProcessToken, GetCurrentProcess(), kAccess, &own)) {
    return LastFailure(L"open-token", L"OpenProcessToken");
  }
  Failure failure = FindIdentities(own, plan, identities);
  if (!failure) {
    List<SidBytes> sids;
    for (const NamedPrincipal& principal : plan.restricting) sids.Add(identities->Of(principal));
    List<SID_AND_ATTRIBUTES> restricting;
    for (SidBytes& sid : sids) restricting.Add({sid.get(), 0});
    const auto count = static_cast<DWORD>(restricting.size());
    if (!CALL(FALSE, CreateRestrictedToken, own, plan.flags, 0, nullptr, 0, nullptr, count,
              restricting.data(), token)) {
      failure = LastFailure(L"restrict-token", L"CreateRestrictedToken");
    }
#ifdef CASTELLAN_FAULTS
    pretended_count = sids.size();
    pretended = static_cast<SidBytes*>(Allocate(pretended_count * sizeof(SidBytes)));
    CopyMemory(pretended, sids.data(), pretended_count * sizeof(SidBytes));
    pretended_low = plan.low;
#endif
  }
  CloseHandle(own);
  if (!failure) failure = SetDefaultDacl(plan, *identities, *token);
  if (!failure) failure = EnablePrivileges(plan, *token);
  if (!failure) failure = SetIntegrity(plan, *token);
  return failure;
}

Failure ReadToken(HANDLE token, const wchar_t* stage, TokenReport* report) {
  Bytes answer;
#ifdef CASTELLAN_FAULTS
  if (Pretends()) {
    if (FailsNow("GetTokenInformation")) return {stage, L"TokenRestrictedSids", ERROR_GEN_FAILURE};
    report->restricting.Append(pretended, pretended_count);
    report->integrity = pretended_low ? kLow : kMedium;
    return {};
  }
#endif
  // Wine has no answer for a token that it did not restrict; an empty list says the same.
  if (!QueryToken(token, TokenRestrictedSids, &answer)) {
    const DWORD error = GetLastError();
    if (error != ERROR_INVALID_FUNCTION && error != ERROR_INVALID_PARAMETER) {
      return LastFailure(stage, L"TokenRestrictedSids");
    }
  } else {
    const auto* groups = reinterpret_cast<const TOKEN_GROUPS*>(answer.data());
    for (DWORD index = 0; index < groups->GroupCount; index++) {
      SidBytes sid;
      if (!CopySid(groups->Groups[index].Sid, &sid))
        return {stage, L"TokenRestrictedSids", ERROR_INVALID_SID};
      report->restricting.Add(sid);
    }
  }
  if (!QueryToken(token, TokenPrivileges, &answer)) return LastFailure(stage, L"TokenPrivileges");
  const auto* privileges = reinterpret_cast<const TOKEN_PRIVILEGES*>(answer.data());
  for (DWORD index = 0; index < privileges->PrivilegeCount; index++) {
    wchar_t name[64];
    DWORD length = sizeof(name) / sizeof(name[0]);
    LUID luid = privileges->Privileges[index].Luid;
    if (!CALL(FALSE, LookupPrivilegeNameW, nullptr, &luid, name, &length)) {
      return LastFailure(stage, L"LookupPrivilegeName");
    }
    auto* text = static_cast<Text*>(Allocate(sizeof(Text)));
    ZeroMemory(text, sizeof(Text));
    text->Put(name);
    report->privileges.Add(text);
  }
  if (!ReadIntegrity(token, &report->integrity)) return LastFailure(stage, L"TokenIntegrityLevel");
  return {};
}

}  // namespace castellan
