#include "logon.h"

#include <wincrypt.h>

#include "../common/base64.h"
#include "../common/calls.h"
#include "request.h"

namespace castellan {
namespace {

constexpr DWORD kFlags = CREATE_SUSPENDED | CREATE_UNICODE_ENVIRONMENT | CREATE_NO_WINDOW;

#ifdef CASTELLAN_FAULTS
// Wine has no second logon: the runner is then started as the user, who must be named as the account.
BOOL StartPretended(const wchar_t* program, wchar_t* line, const wchar_t* cwd, STARTUPINFOW* startup,
                    PROCESS_INFORMATION* runner) {
  const auto create = reinterpret_cast<decltype(&CreateProcessW)>(
      reinterpret_cast<void*>(GetProcAddress(GetModuleHandleW(L"kernel32.dll"), "CreateProcessW")));
  return create(program, line, nullptr, nullptr, FALSE, kFlags, nullptr, cwd, startup, runner);
}
#endif

// A text with a NUL behind it that does not count.
Failure Unprotect(Bytes* secret, Text* password) {
  DATA_BLOB in = {static_cast<DWORD>(secret->size()), secret->data()};
  DATA_BLOB out = {};
  if (!CALL(FALSE, CryptUnprotectData, &in, nullptr, nullptr, nullptr, nullptr, CRYPTPROTECT_UI_FORBIDDEN,
            &out)) {
    return LastFailure(L"secret", L"CryptUnprotectData");
  }
  const size_t length = out.cbData / sizeof(wchar_t);
  bool is_text = length > 0 && out.cbData % sizeof(wchar_t) == 0;
  // At once, so that the text is never copied to a larger place.
  password->Resize(length + 1);
  CopyMemory(password->data(), out.pbData, length * sizeof(wchar_t));
  password->Resize(length);
  for (const wchar_t unit : *password) is_text = is_text && unit != 0;
  SecureZeroMemory(out.pbData, out.cbData);
  LocalFree(out.pbData);
  return is_text ? Failure() : Failure{L"secret", L"it is no password", 0};
}

Text DirectoryOf(const wchar_t* path) {
  size_t end = LengthOf(path);
  while (end > 0 && path[end - 1] != L'\\') end--;
  Text directory;
  directory.Append(path, end);
  return directory;
}

}  // namespace

const wchar_t* ReadLogonRequest(const JsonValue* message, LogonRequest* request) {
  static const wchar_t* const kKnown[] = {L"type",   L"version", L"account",          L"account_sid",
                                          L"secret", L"runner",  L"ends_with_request"};
  if (!IsMessageOf(message, L"logon_request")) return L"it is no request to log on";
  if (!HasOnlyMembers(message, kKnown, sizeof(kKnown) / sizeof(kKnown[0]))) {
    return L"it asks for something that is not known";
  }
  const JsonValue* account = message->Member(L"account");
  if (!IsTextValue(account) || account->length == 0) return L"the account";
  request->account = account->text;
  const JsonValue* sid = message->Member(L"account_sid");
  if (!IsTextValue(sid) || !ReadSid(sid->text, &request->account_sid) ||
      !IsCapability(request->account_sid)) {
    return L"the account's identifier";
  }
  const JsonValue* secret = message->Member(L"secret");
  if (!IsTextValue(secret) || !ReadBase64(secret->text, secret->length, &request->secret) ||
      request->secret.empty()) {
    return L"the secret";
  }
  const JsonValue* runner = message->Member(L"runner");
  if (!IsTextValue(runner) || !IsAbsolutePath(runner->text)) return L"the runner is no absolute path";
  request->runner = runner->text;
  const JsonValue* ends = message->Member(L"ends_with_request");
  if (ends == nullptr || (ends->kind != JsonKind::kTrue && ends->kind != JsonKind::kFalse)) return L"its end";
  request->ends_with_request = ends->kind == JsonKind::kTrue;
  return nullptr;
}

Failure StartRunner(LogonRequest* request, const Text& line, PROCESS_INFORMATION* runner) {
  Text password;
  if (const Failure failure = Unprotect(&request->secret, &password)) return failure;
  // The system writes into the line.
  Text whole(L"\"");
  whole.Put(request->runner);
  whole.Put(L"\" ");
  whole.Put(line);
  const Text directory = DirectoryOf(request->runner);
  STARTUPINFOW startup = {};
  startup.cb = sizeof(startup);
#ifdef CASTELLAN_FAULTS
  if (Pretends()) {
    if (FailsNow("CreateProcessWithLogonW")) return {L"logon", L"CreateProcessWithLogon", ERROR_GEN_FAILURE};
    const BOOL done = StartPretended(request->runner, whole.z(), directory.z(), &startup, runner);
    return done ? Failure() : LastFailure(L"logon", L"CreateProcess");
  }
#endif
  // Of this machine. The environment is the account's own.
  const BOOL done =
      CALL(FALSE, CreateProcessWithLogonW, request->account, L".", password.z(), LOGON_WITH_PROFILE,
           request->runner, whole.z(), kFlags, nullptr, directory.z(), &startup, runner);
  const Failure failure = done ? Failure() : LastFailure(L"logon", L"CreateProcessWithLogon");
  SecureZeroMemory(password.data(), password.size() * sizeof(wchar_t));
  return failure;
}

}  // namespace castellan
