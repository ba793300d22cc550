#include "files.h"

#include "../common/calls.h"
#include "../common/sid.h"
#include "../common/token_query.h"
#include "host.h"
#include "kept_lists.h"
#include "objects.h"

namespace castellan {
namespace {

// <errno.h> of the C runtime, whose numbers `os.constants.errno` has.
constexpr int kIo = 5, kBadDescriptor = 9, kAgain = 11, kMisused = 22, kUnsupported = 129;

int NumberOf(DWORD error) {
  switch (error) {
    case ERROR_LOCK_VIOLATION:
    case ERROR_IO_PENDING:
      return kAgain;
    case ERROR_INVALID_FUNCTION:
    case ERROR_NOT_SUPPORTED:
      return kUnsupported;
    case ERROR_INVALID_HANDLE:
      return kBadDescriptor;
    default:
      return kIo;
  }
}

int Lock(int fd, bool exclusive, bool non_blocking) {
  // libuv's, because descriptors are numbers of the host's C runtime. A host may keep it to itself.
  using GetHandle = HANDLE (*)(int fd);
  static const auto get =
      reinterpret_cast<GetHandle>(reinterpret_cast<void*>(FindInHost("uv_get_osfhandle")));
  if (get == nullptr) return kUnsupported;
  const HANDLE file = get(fd);
  if (file == INVALID_HANDLE_VALUE) return kBadDescriptor;
  OVERLAPPED start = {};
  const DWORD flags =
      (exclusive ? LOCKFILE_EXCLUSIVE_LOCK : 0) | (non_blocking ? LOCKFILE_FAIL_IMMEDIATELY : 0);
  return CALL(FALSE, LockFileEx, file, flags, 0, MAXDWORD, MAXDWORD, &start) ? 0 : NumberOf(GetLastError());
}

// Whether the list of the object is `user` alone, by itself.
Outcome Verify(const Handle& object, const SidBytes& user) {
  PSECURITY_DESCRIPTOR descriptor = nullptr;
  PACL list = nullptr;
  const DWORD error = ReadList(object, &list, &descriptor);
  if (error != ERROR_SUCCESS) return {L"GetSecurityInfo", error};
  bool is_private = list != nullptr;
  for (DWORD index = 0; is_private && index < list->AceCount; index++) {
    void* found = nullptr;
    SidBytes sid = {};
    is_private = CALL(FALSE, GetAce, list, index, &found);
    if (!is_private) break;
    const auto* ace = static_cast<const ACCESS_ALLOWED_ACE*>(found);
    if (ace->Header.AceType == ACCESS_DENIED_ACE_TYPE) continue;
    is_private = ace->Header.AceType == ACCESS_ALLOWED_ACE_TYPE &&
                 CopySid(const_cast<DWORD*>(&ace->SidStart), &sid) && SameSid(sid, user);
  }
  LocalFree(descriptor);
  return is_private ? Outcome() : Outcome{L"verify", ERROR_INVALID_ACL};
}

Outcome KeepForUser(const wchar_t* path) {
  HANDLE token = nullptr;
  if (!CALL(FALSE, OpenProcessToken, GetCurrentProcess(), TOKEN_QUERY, &token)) {
    return FailedCall(L"OpenProcessToken");
  }
  SidBytes user = {};
  const bool is_found = FindUserSid(token, &user);
  const Outcome missing = is_found ? Outcome() : FailedCall(L"GetTokenInformation");
  CloseHandle(token);
  if (!is_found) return missing;

  Handle object;
  const Outcome opened = object.Open(path, READ_CONTROL | WRITE_DAC);
  if (opened.call != nullptr) return opened;
  Bytes bytes;
  bytes.Resize((sizeof(ACL) + sizeof(ACCESS_ALLOWED_ACE) + user.size() + 3) & ~size_t{3});
  auto* list = reinterpret_cast<PACL>(bytes.data());
  if (!CALL(FALSE, InitializeAcl, list, static_cast<DWORD>(bytes.size()), ACL_REVISION))
    return FailedCall(L"InitializeAcl");
  if (!CALL(FALSE, AddAccessAllowedAce, list, ACL_REVISION, FILE_ALL_ACCESS, user.get())) {
    return FailedCall(L"AddAccessAllowedAce");
  }
  constexpr SECURITY_INFORMATION kWhat = DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
  const DWORD error = WriteList(object, kWhat, list);
  if (error != ERROR_SUCCESS) return {L"SetSecurityInfo", error};
  return Verify(object, user);
}

}  // namespace

napi_value LockFile(napi_env env, napi_callback_info info) {
  const Js js(env);
  const Arguments arguments(env, info);
  const double fd = js.NumberOf(arguments.values[0]);
  if (!(fd >= 0 && fd <= 0x7fffffff)) return js.Number(kMisused);
  return js.Number(
      Lock(static_cast<int>(fd), js.BoolOf(arguments.values[1]), js.BoolOf(arguments.values[2])));
}

napi_value MakePrivate(napi_env env, napi_callback_info info) {
  const Js js(env);
  const Arguments arguments(env, info);
  const Outcome outcome = KeepForUser(js.TextOf(arguments.values[0]).z());
  return outcome.call == nullptr ? js.Undefined() : js.Failure(outcome);
}

}  // namespace castellan
