// Makes a restricted token, checks it, and starts the command with it; ends with the command's exit code.
//
//   castellan-helper.exe run|check|elevated --request FD --status FD
//   castellan-helper.exe runner --pipe NAME --nonce SECRET --account SID
//
// The protocol is in lib/native/windows-binding.ts. One way leads to a running command, through every step in
// its order; a step that did not say that it succeeded ends this process with 126 and a report, and with it,
// as it holds the only handle of the job, whatever it has started.
#include "../common/calls.h"
#include "../common/failure.h"
#include "../common/frame.h"
#include "../common/json.h"
#include "descriptors.h"
#include "elevated.h"
#include "exchange.h"
#include "launch.h"
#include "request.h"
#include "runner.h"
#include "token.h"
#include "watch.h"
#include "words.h"

namespace castellan {
namespace {

enum class Mode { kRun, kCheck, kElevated };

struct Arguments {
  Mode mode = Mode::kRun;
  unsigned request = 0;
  unsigned status = 0;
};

bool ReadDescriptor(const Text& word, unsigned* descriptor) {
  if (word.empty() || word.size() > 4) return false;
  *descriptor = 0;
  for (const wchar_t digit : word) {
    if (digit < L'0' || digit > L'9') return false;
    *descriptor = *descriptor * 10 + static_cast<unsigned>(digit - L'0');
  }
  return true;
}

bool ReadMode(const Text& word, Mode* mode) {
  if (word.Equals(L"check")) *mode = Mode::kCheck;
  if (word.Equals(L"elevated")) *mode = Mode::kElevated;
  return *mode != Mode::kRun || word.Equals(L"run");
}

// `line`: what follows the mode.
bool ReadArguments(const wchar_t* line, Arguments* arguments) {
  Text word;
  return NextOption(&line, L"--request", &word) && ReadDescriptor(word, &arguments->request) &&
         NextOption(&line, L"--status", &word) && ReadDescriptor(word, &arguments->status) &&
         !NextWord(&line, &word) && arguments->request != arguments->status;
}

// The command is in the same console and is told too; this process stays to say how it ended.
BOOL WINAPI PassOver(DWORD event) {
  return event == CTRL_C_EVENT || event == CTRL_BREAK_EVENT;
}

void TakeConsoleEvents(HANDLE status) {
  if (CALL(FALSE, SetConsoleCtrlHandler, PassOver, TRUE)) return;
  Refuse(status, LastFailure(L"wait", L"SetConsoleCtrlHandler"), nullptr);
}

UINT Run() {
  const wchar_t* line = GetCommandLineW();
  Text word;
  if (!NextWord(&line, &word) || !NextWord(&line, &word)) return kRefused;
  if (word.Equals(L"runner")) return RunAsAccount(line);
  Arguments arguments;
  Descriptors descriptors;
  if (!ReadMode(word, &arguments.mode) || !ReadArguments(line, &arguments) || descriptors.Read())
    return kRefused;
  const HANDLE status = descriptors.Take(arguments.status);
  const HANDLE stream = descriptors.Take(arguments.request);
  if (status == nullptr) return kRefused;
  if (stream == nullptr) Refuse(status, {L"request", L"there is no such descriptor", 0}, nullptr);
  // Without this the command would get both although no list names them, should it be started some other way.
  if (!CALL(FALSE, SetHandleInformation, status, HANDLE_FLAG_INHERIT, 0) ||
      !CALL(FALSE, SetHandleInformation, stream, HANDLE_FLAG_INHERIT, 0)) {
    Refuse(status, LastFailure(L"handles", L"SetHandleInformation"), nullptr);
  }

  if (arguments.mode == Mode::kElevated) {
    TakeConsoleEvents(status);
    return RunElevated(status, stream, descriptors);
  }
  Bytes body;
  JsonDocument document;
  const JsonValue* message = nullptr;
  if (const Failure failure = ReadMessage(stream, &body, &document, &message))
    Refuse(status, failure, nullptr);
  Request request;
  if (const Failure failure = CheckRequest(message, false, &request)) Refuse(status, failure, nullptr);

  HANDLE token = nullptr;
  Identities identities = {};
  if (const Failure failure = MakeToken(request.token, &identities, &token)) Refuse(status, failure, nullptr);
  TokenReport report;
  if (const Failure failure = ReadToken(token, L"verify-token", &report)) Refuse(status, failure, nullptr);
  if (!report.IsAsPlanned(request.token, identities)) {
    Refuse(status, {L"verify-token", L"the system made another token than was planned", 0}, &report);
  }
  if (arguments.mode == Mode::kCheck) {
    JsonWriter writer;
    BeginMessage(&writer, L"token_report");
    report.Write(&writer);
    writer.Close();
    return WriteFrame(status, writer.bytes()) ? 0 : kRefused;
  }

  HANDLE job = nullptr;
  if (const Failure failure = MakeJob(JobKind::kOutermost, &job)) Refuse(status, failure, nullptr);
  TakeConsoleEvents(status);
  Launched launched;
  TokenReport launched_report;
  if (const Failure failure =
          Launch(request, identities, token, job, descriptors, &launched, &launched_report)) {
    const bool is_other = failure.win32 == 0 && !launched_report.restricting.empty();
    Refuse(status, failure, is_other ? &launched_report : nullptr);
  }

  // From here on the command runs. Whatever happens to this process, the job ends with it.
  if (!Say(status, L"spawn_ready", L"pid", launched.pid)) {
    const Failure failure = LastFailure(L"wait", L"WriteFile");
    TerminateJobObject(job, kRefused);
    Refuse(status, failure, nullptr);
  }
  if (const Failure failure = WatchRequestOf(stream, job, request.ends_with_request)) {
    TerminateJobObject(job, kRefused);
    Refuse(status, failure, nullptr);
  }
  DWORD code = kRefused;
  if (CALL(WAIT_FAILED, WaitForSingleObject, launched.process, INFINITE) != WAIT_OBJECT_0 ||
      !CALL(FALSE, GetExitCodeProcess, launched.process, &code)) {
    const Failure failure = LastFailure(L"wait", L"WaitForSingleObject");
    TerminateJobObject(job, kRefused);
    Refuse(status, failure, nullptr);
  }
  Say(status, L"exit", L"code", code);
  return code;
}

}  // namespace
}  // namespace castellan

extern "C" void CastellanHelper() {
  ExitProcess(castellan::Run());
}
