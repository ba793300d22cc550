#include "token_query.h"

#include "calls.h"

namespace castellan {

// The size is asked for first: lists have no upper bound.
bool QueryToken(HANDLE token, TOKEN_INFORMATION_CLASS what, Bytes* answer) {
  DWORD size = 0;
  if (CALL(FALSE, GetTokenInformation, token, what, nullptr, 0, &size)) {
    SetLastError(ERROR_INVALID_DATA);
    return false;
  }
  if (GetLastError() != ERROR_INSUFFICIENT_BUFFER) return false;
  answer->Resize(size);
  return CALL(FALSE, GetTokenInformation, token, what, answer->data(), size, &size);
}

bool FindUserSid(HANDLE token, SidBytes* sid) {
  Bytes answer;
  if (!QueryToken(token, TokenUser, &answer)) return false;
  if (CopySid(reinterpret_cast<const TOKEN_USER*>(answer.data())->User.Sid, sid)) return true;
  SetLastError(ERROR_INVALID_SID);
  return false;
}

namespace {

bool FindOwnLogonSid(HANDLE token, SidBytes* sid) {
  Bytes answer;
  if (!QueryToken(token, TokenGroups, &answer)) return false;
  const auto* groups = reinterpret_cast<const TOKEN_GROUPS*>(answer.data());
  for (DWORD index = 0; index < groups->GroupCount; index++) {
    const SID_AND_ATTRIBUTES& group = groups->Groups[index];
    if ((group.Attributes & SE_GROUP_LOGON_ID) == static_cast<DWORD>(SE_GROUP_LOGON_ID))
      return CopySid(group.Sid, sid);
  }
  SetLastError(ERROR_NO_SUCH_LOGON_SESSION);
  return false;
}

}  // namespace

// The filtered token of an administrator may name the session only in the one that it was made from.
bool FindLogonSid(HANDLE token, SidBytes* sid) {
  if (FindOwnLogonSid(token, sid)) return true;
  const DWORD error = GetLastError();
  if (error != ERROR_NO_SUCH_LOGON_SESSION) return false;
  Bytes answer;
  if (!QueryToken(token, TokenLinkedToken, &answer)) {
    SetLastError(error);
    return false;
  }
  const HANDLE linked = reinterpret_cast<const TOKEN_LINKED_TOKEN*>(answer.data())->LinkedToken;
  const bool found = FindOwnLogonSid(linked, sid);
  CloseHandle(linked);
  if (!found) SetLastError(error);
  return found;
}

}  // namespace castellan
