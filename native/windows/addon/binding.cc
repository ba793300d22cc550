// The Windows exports (lib/native/windows-binding.ts). Commands are started by the helper program; what
// stands here is what has to be asked, or changed, in this process.
#include <node_api.h>

// Needs the one before it.
#include <windows.h>
#include <wincrypt.h>

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

namespace castellan {
namespace {

Text Started(HANDLE process) {
  Text text;
  FILETIME created = {}, exited = {}, kernel = {}, user = {};
  if (GetProcessTimes(process, &created, &exited, &kernel, &user)) {
    text.PutNumber(static_cast<unsigned long long>(created.dwHighDateTime) << 32 | created.dwLowDateTime);
  }
  return text;
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

Text NameOf(const SidBytes& sid) {
  wchar_t name[257];
  wchar_t domain[257];
  DWORD name_size = 257;
  DWORD domain_size = 257;
  SID_NAME_USE use;
  Text text;
  if (!LookupAccountSidW(nullptr, sid.get(), name, &name_size, domain, &domain_size, &use)) return text;
  text.Put(domain);
  text.Put(L"\\");
  text.Put(name);
  return text;
}

napi_value Probe(napi_env env, napi_callback_info) {
  const Js js(env);
  const napi_value answer = js.Object();
  HANDLE token = nullptr;
  bool elevated = false;
  bool restricted = false;
  SidBytes user = {};
  SidBytes logon = {};
  bool has_logon = false;
  if (OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token)) {
    Bytes bytes;
    elevated = QueryToken(token, TokenElevation, &bytes) &&
               reinterpret_cast<const TOKEN_ELEVATION*>(bytes.data())->TokenIsElevated != 0;
    restricted = QueryToken(token, TokenRestrictedSids, &bytes) &&
                 reinterpret_cast<const TOKEN_GROUPS*>(bytes.data())->GroupCount > 0;
    FindUserSid(token, &user);
    has_logon = FindLogonSid(token, &logon);
    CloseHandle(token);
  }
  js.Set(answer, "version", js.String(Version().z()));
  js.Set(answer, "elevated", js.Bool(elevated));
  js.Set(answer, "restricted", js.Bool(restricted));
  const bool is_wine = GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "wine_get_version") != nullptr;
  js.Set(answer, "wine", js.Bool(is_wine));
  js.Set(answer, "userSid", js.String(SidText(user).z()));
  js.Set(answer, "userName", js.String(NameOf(user).z()));
  js.Set(answer, "logonSid", has_logon ? js.String(SidText(logon).z()) : js.Null());
  js.Set(answer, "pid", js.Number(GetCurrentProcessId()));
  js.Set(answer, "started", js.String(Started(GetCurrentProcess()).z()));
  return answer;
}

napi_value ProcessStarted(napi_env env, napi_callback_info info) {
  const Js js(env);
  const Arguments arguments(env, info);
  const auto pid = static_cast<DWORD>(js.NumberOf(arguments.values[0]));
  const HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE, FALSE, pid);
  // One that may not be looked at is there: an empty text is nobody's time of start.
  if (process == nullptr) return GetLastError() == ERROR_INVALID_PARAMETER ? js.Null() : js.String(L"");
  const bool has_ended = WaitForSingleObject(process, 0) == WAIT_OBJECT_0;
  const Text started = Started(process);
  CloseHandle(process);
  return has_ended ? js.Null() : js.String(started.z());
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
  const BOOL done = CryptProtectData(&in, nullptr, nullptr, nullptr, nullptr, flags, &out);
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
  const BOOL done =
      CryptUnprotectData(&in, nullptr, nullptr, nullptr, nullptr, CRYPTPROTECT_UI_FORBIDDEN, &out);
  return Blob(js, done, L"CryptUnprotectData", &out);
}

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
    {"readAcl", ReadAcl},
    {"setAce", SetAce},
    {"removeAce", RemoveAce},
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
    {"runElevated", RunElevated},
    {"setFirewallRule", SetFirewallRule},
    {"readFirewallRule", ReadFirewallRule},
    {"removeFirewallRule", RemoveFirewallRule},
    {"localFirewallRulesCount", LocalFirewallRulesCount},
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
