// Accounts and what only an administrator may change, for the setup of the elevated backend. Each act can be
// done again: what is there already is taken as it is, and an account's password is set anew.
#include "accounts.h"

#include <windows.h>
#include <lm.h>

#include "../common/calls.h"
#include "../common/sid.h"
#include "js.h"

namespace castellan {
namespace {

// NetUserAdd and its like answer a status of their own.
constexpr DWORD kGroupExists = 2223;
constexpr DWORD kUserExists = 2224;
constexpr DWORD kUserNotFound = 2221;
constexpr DWORD kGroupNotFound = 2220;
constexpr DWORD kAliasExists = ERROR_ALIAS_EXISTS;
constexpr DWORD kNoSuchAlias = ERROR_NO_SUCH_ALIAS;
constexpr wchar_t kHidden[] =
    L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Winlogon\\SpecialAccounts\\UserList";

Outcome SidOf(const wchar_t* name, SidBytes* sid) {
  *sid = SidBytes();
  DWORD size = sizeof(sid->bytes);
  wchar_t domain[257];
  DWORD domain_size = 257;
  SID_NAME_USE use;
  if (!CALL(FALSE, LookupAccountNameW, nullptr, name, sid->get(), &size, domain, &domain_size, &use)) {
    return FailedCall(L"LookupAccountName");
  }
  return {};
}

napi_value Facts(Js js, const wchar_t* name, bool made) {
  SidBytes sid;
  if (const Outcome outcome = SidOf(name, &sid); outcome.call != nullptr) return js.Failure(outcome);
  const napi_value answer = js.Object();
  js.Set(answer, "sid", js.String(SidText(sid).z()));
  js.Set(answer, "made", js.Bool(made));
  return answer;
}

Outcome Join(const wchar_t* group, const wchar_t* name) {
  SidBytes sid;
  if (const Outcome outcome = SidOf(name, &sid); outcome.call != nullptr) return outcome;
  LOCALGROUP_MEMBERS_INFO_0 member = {sid.get()};
  const DWORD status = CALL(static_cast<DWORD>(ERROR_GEN_FAILURE), NetLocalGroupAddMembers, nullptr, group, 0,
                            reinterpret_cast<BYTE*>(&member), 1);
  if (status == NERR_Success || status == ERROR_MEMBER_IN_ALIAS) return {};
  return {L"NetLocalGroupAddMembers", status};
}

Outcome SetPassword(const wchar_t* name, wchar_t* password) {
  USER_INFO_1003 info = {password};
  const DWORD status = CALL(static_cast<DWORD>(ERROR_GEN_FAILURE), NetUserSetInfo, nullptr, name, 1003,
                            reinterpret_cast<BYTE*>(&info), nullptr);
  return status == NERR_Success ? Outcome() : Outcome{L"NetUserSetInfo", status};
}

}  // namespace

napi_value MakeGroup(napi_env env, napi_callback_info info) {
  const Js js(env);
  const Arguments arguments(env, info);
  Text name = js.TextOf(arguments.values[0]);
  Text comment = js.TextOf(arguments.values[1]);
  LOCALGROUP_INFO_1 group = {name.z(), comment.z()};
  const DWORD status = CALL(static_cast<DWORD>(ERROR_GEN_FAILURE), NetLocalGroupAdd, nullptr, 1,
                            reinterpret_cast<BYTE*>(&group), nullptr);
  const bool is_known = status == kGroupExists || status == kAliasExists;
  if (status != NERR_Success && !is_known) return js.Failure({L"NetLocalGroupAdd", status});
  return Facts(js, name.z(), !is_known);
}

napi_value MakeAccount(napi_env env, napi_callback_info info) {
  const Js js(env);
  const Arguments arguments(env, info);
  Text name = js.TextOf(arguments.values[0]);
  Text password = js.TextOf(arguments.values[1]);
  Text comment = js.TextOf(arguments.values[2]);
  Text group = js.TextOf(arguments.values[3]);
  USER_INFO_1 user = {};
  user.usri1_name = name.z();
  user.usri1_password = password.z();
  user.usri1_priv = USER_PRIV_USER;
  user.usri1_comment = comment.z();
  user.usri1_flags = UF_SCRIPT | UF_NORMAL_ACCOUNT | UF_DONT_EXPIRE_PASSWD | UF_PASSWD_CANT_CHANGE;
  const DWORD status = CALL(static_cast<DWORD>(ERROR_GEN_FAILURE), NetUserAdd, nullptr, 1,
                            reinterpret_cast<BYTE*>(&user), nullptr);
  Outcome outcome;
  if (status == kUserExists) {
    outcome = SetPassword(name.z(), password.z());
  } else if (status != NERR_Success) {
    outcome = {L"NetUserAdd", status};
  }
  SecureZeroMemory(password.data(), password.size() * sizeof(wchar_t));
  if (outcome.call == nullptr) outcome = Join(group.z(), name.z());
  return outcome.call == nullptr ? Facts(js, name.z(), status == NERR_Success) : js.Failure(outcome);
}

napi_value RemoveAccount(napi_env env, napi_callback_info info) {
  const Js js(env);
  const Arguments arguments(env, info);
  const DWORD status =
      CALL(static_cast<DWORD>(ERROR_GEN_FAILURE), NetUserDel, nullptr, js.TextOf(arguments.values[0]).z());
  return status == NERR_Success || status == kUserNotFound ? js.Undefined()
                                                           : js.Failure({L"NetUserDel", status});
}

napi_value RemoveGroup(napi_env env, napi_callback_info info) {
  const Js js(env);
  const Arguments arguments(env, info);
  const DWORD status = CALL(static_cast<DWORD>(ERROR_GEN_FAILURE), NetLocalGroupDel, nullptr,
                            js.TextOf(arguments.values[0]).z());
  const bool is_gone = status == NERR_Success || status == kGroupNotFound || status == kNoSuchAlias;
  return is_gone ? js.Undefined() : js.Failure({L"NetLocalGroupDel", status});
}

napi_value HideAccount(napi_env env, napi_callback_info info) {
  const Js js(env);
  const Arguments arguments(env, info);
  const Text name = js.TextOf(arguments.values[0]);
  const bool is_hidden = js.BoolOf(arguments.values[1]);
  HKEY key = nullptr;
  LSTATUS status = CALL(static_cast<LSTATUS>(ERROR_GEN_FAILURE), RegCreateKeyExW, HKEY_LOCAL_MACHINE, kHidden,
                        0, nullptr, 0, KEY_SET_VALUE | KEY_WOW64_64KEY, nullptr, &key, nullptr);
  if (status != ERROR_SUCCESS) return js.Failure({L"RegCreateKeyEx", static_cast<DWORD>(status)});
  const DWORD shown = 0;
  const wchar_t* call = is_hidden ? L"RegSetValueEx" : L"RegDeleteValue";
  if (is_hidden) {
    status = CALL(static_cast<LSTATUS>(ERROR_GEN_FAILURE), RegSetValueExW, key, name.z(), 0, REG_DWORD,
                  reinterpret_cast<const BYTE*>(&shown), sizeof(shown));
  } else {
    status = CALL(static_cast<LSTATUS>(ERROR_GEN_FAILURE), RegDeleteValueW, key, name.z());
    if (status == ERROR_FILE_NOT_FOUND) status = ERROR_SUCCESS;
  }
  RegCloseKey(key);
  return status == ERROR_SUCCESS ? js.Undefined() : js.Failure({call, static_cast<DWORD>(status)});
}

napi_value SidOfAccount(napi_env env, napi_callback_info info) {
  const Js js(env);
  const Arguments arguments(env, info);
  SidBytes sid;
  const Outcome outcome = SidOf(js.TextOf(arguments.values[0]).z(), &sid);
  return outcome.call == nullptr ? js.String(SidText(sid).z()) : js.Failure(outcome);
}

napi_value ProfileOfAccount(napi_env env, napi_callback_info info) {
  const Js js(env);
  const Arguments arguments(env, info);
  Text key(L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\ProfileList\\");
  key.Put(js.TextOf(arguments.values[0]));
  wchar_t path[MAX_PATH + 1] = {};
  DWORD size = sizeof(path);
  // Of REG_EXPAND_SZ too, which it expands.
  const LSTATUS status =
      CALL(static_cast<LSTATUS>(ERROR_GEN_FAILURE), RegGetValueW, HKEY_LOCAL_MACHINE, key.z(),
           L"ProfileImagePath", RRF_RT_REG_SZ | RRF_SUBKEY_WOW6464KEY, nullptr, path, &size);
  if (status == ERROR_FILE_NOT_FOUND) return js.Null();
  return status == ERROR_SUCCESS ? js.String(path) : js.Failure({L"RegGetValue", static_cast<DWORD>(status)});
}

}  // namespace castellan
