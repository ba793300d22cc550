// Makes a restricted token, checks it, and starts the command with it; ends with the command's exit code.
//
//   castellan-helper.exe run|check --request FD --status FD
//
// The protocol is in lib/native/windows-binding.ts. One way leads to a running command, through every step in
// its order; a step that did not say that it succeeded ends this process with 126 and a report, and with it,
// as it holds the only handle of the job, whatever it has started.
#include "../common/calls.h"
#include "../common/failure.h"
#include "../common/frame.h"
#include "../common/json.h"
#include "descriptors.h"
#include "launch.h"
#include "request.h"
#include "token.h"

namespace castellan {
namespace {

constexpr UINT kRefused = 126;

struct Arguments {
  bool check = false;
  unsigned request = 0;
  unsigned status = 0;
};

// Takes a word off the front; false at the end. Words of ours have no blanks or quotes.
bool NextWord(const wchar_t** line, Text* word) {
  while (**line == L' ' || **line == L'\t') (*line)++;
  const wchar_t* first = *line;
  bool quoted = false;
  for (; **line != 0 && (quoted || (**line != L' ' && **line != L'\t')); (*line)++) {
    if (**line == L'"') quoted = !quoted;
  }
  *word = Text();
  word->Append(first, static_cast<size_t>(*line - first));
  return !word->empty();
}

bool ReadDescriptor(const Text& word, unsigned* descriptor) {
  if (word.empty() || word.size() > 4) return false;
  *descriptor = 0;
  for (const wchar_t digit : word) {
    if (digit < L'0' || digit > L'9') return false;
    *descriptor = *descriptor * 10 + static_cast<unsigned>(digit - L'0');
  }
  return true;
}

bool ReadArguments(const wchar_t* line, Arguments* arguments) {
  Text word;
  if (!NextWord(&line, &word) || !NextWord(&line, &word)) return false;
  arguments->check = word.Equals(L"check");
  if (!arguments->check && !word.Equals(L"run")) return false;
  if (!NextWord(&line, &word) || !word.Equals(L"--request")) return false;
  if (!NextWord(&line, &word) || !ReadDescriptor(word, &arguments->request)) return false;
  if (!NextWord(&line, &word) || !word.Equals(L"--status")) return false;
  if (!NextWord(&line, &word) || !ReadDescriptor(word, &arguments->status)) return false;
  return !NextWord(&line, &word) && arguments->request != arguments->status;
}

void Begin(JsonWriter* writer, const wchar_t* type) {
  writer->Open();
  writer->PutText(L"type", type);
  writer->PutNumber(L"version", 1);
}

bool Say(HANDLE status, const wchar_t* type, const wchar_t* name, DWORD number) {
  JsonWriter writer;
  Begin(&writer, type);
  writer.PutNumber(name, number);
  writer.Close();
  return WriteFrame(status, writer.bytes());
}

// Nobody may listen any more; the exit code says it too.
[[noreturn]] void Refuse(HANDLE status, const Failure& failure, const TokenReport* report) {
  JsonWriter writer;
  Begin(&writer, L"error");
  writer.PutText(L"stage", failure.stage);
  writer.PutNumber(L"win32", failure.win32);
  writer.PutText(L"message", failure.what);
  if (report != nullptr) report->Write(&writer);
  writer.Close();
  WriteFrame(status, writer.bytes());
  ExitProcess(kRefused);
}

struct Watch {
  HANDLE stream;
  HANDLE job;
  bool ends_with_request;
};

// A thread that waits for the word to end the tree. Anything else that comes is no word of the protocol, and
// then nothing that follows is believed; the tree is ended as well.
DWORD WINAPI WatchRequest(void* given) {
  const Watch& watch = *static_cast<const Watch*>(given);
  Bytes body;
  const FrameResult result = ReadFrame(watch.stream, &body);
  if (result == FrameResult::kEnd || result == FrameResult::kFailed) {
    if (watch.ends_with_request) TerminateJobObject(watch.job, 1);
    return 0;
  }
  DWORD code = 1;
  JsonDocument document;
  if (result == FrameResult::kFrame) ReadTerminate(document.Read(body.data(), body.size()), &code);
  TerminateJobObject(watch.job, code);
  return 0;
}

// The command is in the same console and is told too; this process stays to say how it ended.
BOOL WINAPI PassOver(DWORD event) {
  return event == CTRL_C_EVENT || event == CTRL_BREAK_EVENT;
}

bool NamesAccount(const List<NamedPrincipal>& principals) {
  for (const NamedPrincipal& principal : principals) {
    if (principal.kind == Principal::kAccount) return true;
  }
  return false;
}

Failure ReadWholeRequest(HANDLE stream, JsonDocument* document, Request* request) {
  Bytes body;
  switch (ReadFrame(stream, &body)) {
    case FrameResult::kFrame:
      break;
    case FrameResult::kEnd:
      return {L"request", L"there is none", ERROR_HANDLE_EOF};
    case FrameResult::kTooLong:
      return {L"request", L"it is too long", 0};
    default:
      return LastFailure(L"request", L"ReadFile");
  }
  const JsonValue* message = document->Read(body.data(), body.size());
  if (message == nullptr) return {L"request", L"it is no JSON", 0};
  if (const wchar_t* wrong = ReadRequest(message, request)) return {L"request", wrong, 0};
  // The account of this process is the user, whose own identifier opens nearly everything that is the user's.
  if (NamesAccount(request->token.restricting) || NamesAccount(request->token.default_dacl)) {
    return {L"request", L"the token would name the user", 0};
  }
  return {};
}

UINT Run() {
  Arguments arguments;
  Descriptors descriptors;
  if (!ReadArguments(GetCommandLineW(), &arguments) || descriptors.Read()) return kRefused;
  const HANDLE status = descriptors.Take(arguments.status);
  const HANDLE stream = descriptors.Take(arguments.request);
  if (status == nullptr) return kRefused;
  if (stream == nullptr) Refuse(status, {L"request", L"there is no such descriptor", 0}, nullptr);
  // Without this the command would get both although no list names them, should it be started some other way.
  if (!CALL(FALSE, SetHandleInformation, status, HANDLE_FLAG_INHERIT, 0) ||
      !CALL(FALSE, SetHandleInformation, stream, HANDLE_FLAG_INHERIT, 0)) {
    Refuse(status, LastFailure(L"handles", L"SetHandleInformation"), nullptr);
  }

  JsonDocument document;
  Request request;
  if (const Failure failure = ReadWholeRequest(stream, &document, &request)) Refuse(status, failure, nullptr);

  HANDLE token = nullptr;
  Identities identities = {};
  if (const Failure failure = MakeToken(request.token, &identities, &token)) Refuse(status, failure, nullptr);
  TokenReport report;
  if (const Failure failure = ReadToken(token, L"verify-token", &report)) Refuse(status, failure, nullptr);
  if (!report.IsAsPlanned(request.token, identities)) {
    Refuse(status, {L"verify-token", L"the system made another token than was planned", 0}, &report);
  }
  if (arguments.check) {
    JsonWriter writer;
    Begin(&writer, L"token_report");
    report.Write(&writer);
    writer.Close();
    return WriteFrame(status, writer.bytes()) ? 0 : kRefused;
  }

  HANDLE job = nullptr;
  if (const Failure failure = MakeJob(&job)) Refuse(status, failure, nullptr);
  if (!CALL(FALSE, SetConsoleCtrlHandler, PassOver, TRUE)) {
    Refuse(status, LastFailure(L"wait", L"SetConsoleCtrlHandler"), nullptr);
  }
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
  static Watch watch;
  watch = {stream, job, request.ends_with_request};
  const HANDLE watcher = CALL(nullptr, CreateThread, nullptr, 0, WatchRequest, &watch, 0, nullptr);
  if (watcher == nullptr) {
    const Failure failure = LastFailure(L"wait", L"CreateThread");
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
