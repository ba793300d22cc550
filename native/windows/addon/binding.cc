// The Windows exports (lib/native/windows-binding.ts). Commands are started by the helper program; what
// stands here is what has to be asked, or changed, in this process.
#include <node_api.h>

// Needs the one before it.
#include <windows.h>
#include <wincrypt.h>

#include "../common/calls.h"
#include "../common/sid.h"
#include "../common/token_query.h"
#include "access_list.h"
#include "accounts.h"
#include "elevate.h"
#include "files.h"
#include "firewall.h"
#include "js.h"
#include "mutex.h"
#include "objects.h"
#include "places.h"

namespace castellan {
namespace {

Outcome Started(HANDLE process, Text* text) {
  FILETIME created = {}, exited = {}, kernel = {}, user = {};
  if (!CALL(FALSE, GetProcessTimes, process, &created, &exited, &kernel, &user)) {
    return FailedCall(L"GetProcessTimes");
  }
  text->PutNumber(static_cast<unsigned long long>(created.dwHighDateTime) << 32 | created.dwLowDateTime);
  return {};
}

Text Version() {
  using GetVersion = LONG(WINAPI*)(OSVERSIONINFOW*);
  const auto get = reinterpret_cast<GetVersion>(
      reinterpret_cast<void*>(GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "RtlGetVersion")));
  OSVERSIONINFOW version = {};
  version.dwOSVersionInfoSize = sizeof(version);
  Text text;
  if (get == nullptr || get(&version) != 0) return text;
  text.PutNumber(version.dwMajorVersion);
  text.Put(L".");
  text.PutNumber(version.dwMinorVersion);
  text.Put(L".");
  text.PutNumber(version.dwBuildNumber);
  return text;
}

// Of a domain that does not answer there is none; nothing is decided by it.
Text NameOf(const SidBytes& sid) {
  wchar_t name[257];
  wchar_t domain[257];
  DWORD name_size = 257;
  DWORD domain_size = 257;
  SID_NAME_USE use;
  Text text;
  if (!CALL(FALSE, LookupAccountSidW, nullptr, sid.get(), name, &name_size, domain, &domain_size, &use)) {
    return text;
  }
  text.Put(domain);
  text.Put(L"\\");
  text.Put(name);
  return text;
}

struct TokenFacts {
  bool elevated = false;
  bool restricted = false;
  SidBytes user = {};
  bool has_logon = false;
  SidBytes logon = {};
};

Outcome ReadFacts(HANDLE token, TokenFacts* facts) {
  Bytes bytes;
  if (!QueryToken(token, TokenElevation, &bytes)) return FailedCall(L"TokenElevation");
  facts->elevated = reinterpret_cast<const TOKEN_ELEVATION*>(bytes.data())->TokenIsElevated != 0;
  if (QueryToken(token, TokenRestrictedSids, &bytes)) {
    facts->restricted = reinterpret_cast<const TOKEN_GROUPS*>(bytes.data())->GroupCount > 0;
  } else {
    // Wine has no answer for a token that it did not restrict.
    const DWORD error = GetLastError();
    if (error != ERROR_INVALID_FUNCTION && error != ERROR_INVALID_PARAMETER) {
      return FailedCall(L"TokenRestrictedSids");
    }
  }
  if (!FindUserSid(token, &facts->user)) return FailedCall(L"TokenUser");
  facts->has_logon = FindLogonSid(token, &facts->logon);
  if (!facts->has_logon && GetLastError() != ERROR_NO_SUCH_LOGON_SESSION) return FailedCall(L"TokenGroups");
  return {};
}

Outcome FindFacts(TokenFacts* facts, Text* started) {
  HANDLE token = nullptr;
  if (!CALL(FALSE, OpenProcessToken, GetCurrentProcess(), TOKEN_QUERY, &token)) {
    return FailedCall(L"OpenProcessToken");
  }
  const Outcome outcome = ReadFacts(token, facts);
  CloseHandle(token);
  return outcome.call == nullptr ? Started(GetCurrentProcess(), started) : outcome;
}

napi_value Probe(napi_env env, napi_callback_info) {
  const Js js(env);
  TokenFacts facts;
  Text started;
  if (const Outcome outcome = FindFacts(&facts, &started); outcome.call != nullptr)
    return js.Failure(outcome);
  const napi_value answer = js.Object();
  js.Set(answer, "version", js.String(Version().z()));
  js.Set(answer, "elevated", js.Bool(facts.elevated));
  js.Set(answer, "restricted", js.Bool(facts.restricted));
  const bool is_wine = GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "wine_get_version") != nullptr;
  js.Set(answer, "wine", js.Bool(is_wine));
  js.Set(answer, "userSid", js.String(SidText(facts.user).z()));
  js.Set(answer, "userName", js.String(NameOf(facts.user).z()));
  js.Set(answer, "logonSid", facts.has_logon ? js.String(SidText(facts.logon).z()) : js.Null());
  js.Set(answer, "pid", js.Number(GetCurrentProcessId()));
  js.Set(answer, "started", js.String(started.z()));
  return answer;
}

// `started`: empty for a process that may not be looked at. `runs`: whether there is one.
Outcome LookAt(DWORD pid, Text* started, bool* runs) {
  constexpr DWORD kAccess = PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE;
  const HANDLE process = CALL(nullptr, OpenProcess, kAccess, FALSE, pid);
  if (process == nullptr) {
    const DWORD error = GetLastError();
    *runs = error == ERROR_ACCESS_DENIED;
    return *runs || error == ERROR_INVALID_PARAMETER ? Outcome() : FailedCall(L"OpenProcess");
  }
  Outcome outcome;
  const DWORD waited = CALL(WAIT_FAILED, WaitForSingleObject, process, 0);
  *runs = waited == WAIT_TIMEOUT;
  if (waited == WAIT_FAILED) outcome = FailedCall(L"WaitForSingleObject");
  if (outcome.call == nullptr && *runs) outcome = Started(process, started);
  CloseHandle(process);
  return outcome;
}

napi_value ProcessStarted(napi_env env, napi_callback_info info) {
  const Js js(env);
  const Arguments arguments(env, info);
  Text started;
  bool runs = false;
  const Outcome outcome = LookAt(static_cast<DWORD>(js.NumberOf(arguments.values[0])), &started, &runs);
  if (outcome.call != nullptr) return js.Failure(outcome);
  return runs ? js.String(started.z()) : js.Null();
}

napi_value Blob(Js js, BOOL done, const wchar_t* call, DATA_BLOB* blob) {
  if (!done) return js.Failure(FailedCall(call));
  const napi_value copy = js.Copy(blob->pbData, blob->cbData);
  SecureZeroMemory(blob->pbData, blob->cbData);
  LocalFree(blob->pbData);
  return copy;
}

napi_value ProtectSecret(napi_env env, napi_callback_info info) {
  const Js js(env);
  const Arguments arguments(env, info);
  Bytes secret = js.BytesOf(arguments.values[0]);
  const bool is_machine = js.TextOf(arguments.values[1]).Equals(L"machine");
  DATA_BLOB in = {static_cast<DWORD>(secret.size()), secret.data()};
  DATA_BLOB out = {};
  const DWORD flags = CRYPTPROTECT_UI_FORBIDDEN | (is_machine ? CRYPTPROTECT_LOCAL_MACHINE : 0);
  const BOOL done = CALL(FALSE, CryptProtectData, &in, nullptr, nullptr, nullptr, nullptr, flags, &out);
  const napi_value answer = Blob(js, done, L"CryptProtectData", &out);
  SecureZeroMemory(secret.data(), secret.size());
  return answer;
}

napi_value UnprotectSecret(napi_env env, napi_callback_info info) {
  const Js js(env);
  const Arguments arguments(env, info);
  Bytes blob = js.BytesOf(arguments.values[0]);
  DATA_BLOB in = {static_cast<DWORD>(blob.size()), blob.data()};
  DATA_BLOB out = {};
  const BOOL done = CALL(FALSE, CryptUnprotectData, &in, nullptr, nullptr, nullptr, nullptr,
                         CRYPTPROTECT_UI_FORBIDDEN, &out);
  return Blob(js, done, L"CryptUnprotectData", &out);
}

#ifdef CASTELLAN_FAULTS
// faultAt(ordinal): the calls that are made from now on are counted, and this one fails.
napi_value FaultAt(napi_env env, napi_callback_info info) {
  const Js js(env);
  const Arguments arguments(env, info);
  FailAt(static_cast<LONG>(js.NumberOf(arguments.values[0])));
  return js.Undefined();
}

napi_value FaultCalls(napi_env env, napi_callback_info) {
  const Js js(env);
  const napi_value answer = js.Array();
  for (size_t index = 0; index < CallCount(); index++) {
    Text name;
    for (const char* at = CallAt(index); *at != 0; at++) name.Add(static_cast<wchar_t>(*at));
    js.SetAt(answer, index, js.String(name.z()));
  }
  return answer;
}
#endif

struct Export {
  const char* name;
  napi_callback function;
};

constexpr Export kExports[] = {
    {"probe", Probe},
    {"processStarted", ProcessStarted},
    {"flock", LockFile},
    {"makePrivate", MakePrivate},
    {"describeObject", DescribeObject},
    {"findObject", FindObject},
    {"readAcl", ReadAcl},
    {"setAce", SetAce},
    {"removeAce", RemoveAce},
    {"makeDirectory", MakeDirectory},
    {"replaceFile", ReplaceFile},
    {"removeTree", RemoveTree},
    {"hideDirectory", HideDirectory},
    {"lockMutex", LockMutex},
    {"unlockMutex", UnlockMutex},
    {"protectSecret", ProtectSecret},
    {"unprotectSecret", UnprotectSecret},
    {"makeGroup", MakeGroup},
    {"makeAccount", MakeAccount},
    {"removeAccount", RemoveAccount},
    {"removeGroup", RemoveGroup},
    {"hideAccount", HideAccount},
    {"sidOfAccount", SidOfAccount},
    {"profileOfAccount", ProfileOfAccount},
    {"runElevated", RunElevated},
    {"setFirewallRule", SetFirewallRule},
    {"readFirewallRule", ReadFirewallRule},
    {"removeFirewallRule", RemoveFirewallRule},
    {"localFirewallRulesCount", LocalFirewallRulesCount},
#ifdef CASTELLAN_FAULTS
    {"faultAt", FaultAt},
    {"faultCalls", FaultCalls},
#endif
};

}  // namespace
}  // namespace castellan

extern "C" __declspec(dllexport) int32_t node_api_module_get_api_version_v1() {
  return 8;
}

extern "C" __declspec(dllexport) napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  const castellan::Js js(env);
  js.Set(exports, "system", js.String(L"win32"));
  for (const castellan::Export& one : castellan::kExports) {
    napi_value function = nullptr;
    napi_create_function(env, one.name, static_cast<size_t>(-1), one.function, nullptr, &function);
    js.Set(exports, one.name, function);
  }
  return exports;
}
