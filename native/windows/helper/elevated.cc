#include "elevated.h"

#include "../common/base64.h"
#include "../common/calls.h"
#include "../common/frame.h"
#include "exchange.h"
#include "launch.h"
#include "logon.h"
#include "pipes.h"
#include "watch.h"

namespace castellan {
namespace {

constexpr DWORD kChunk = 1 << 15;
// For the account's profile to be loaded and the runner to say who it is, in milliseconds.
constexpr DWORD kPatience = 15000;
// Bytes; half of the secret is said by each side.
constexpr size_t kSecret = 32;

struct Runner {
  HANDLE status = nullptr;
  HANDLE job = nullptr;
  HANDLE process = nullptr;
  HANDLE shaken = nullptr;
  Pipes pipes;
};

[[noreturn]] void End(const Runner& runner, const Failure& failure) {
  if (runner.job != nullptr) TerminateJobObject(runner.job, kRefused);
  // It may not have come into the job.
  if (runner.process != nullptr) TerminateProcess(runner.process, kRefused);
  Refuse(runner.status, failure, nullptr);
}

// Only the pipes are waited for without a limit of time, so this is who ends a wait that has none.
DWORD WINAPI WatchHandshake(void* given) {
  const Runner& runner = *static_cast<const Runner*>(given);
  const HANDLE either[] = {runner.shaken, runner.process};
  switch (CALL(WAIT_FAILED, WaitForMultipleObjects, 2, either, FALSE, kPatience)) {
    case WAIT_OBJECT_0:
      return 0;
    case WAIT_OBJECT_0 + 1:
      End(runner, {L"handshake", L"the runner ended before it said who it is", 0});
    case WAIT_TIMEOUT:
      End(runner, {L"handshake", L"the runner did not say in time who it is", ERROR_TIMEOUT});
    default:
      End(runner, LastFailure(L"handshake", L"WaitForMultipleObjects"));
  }
}

struct Input {
  HANDLE stream;
  HANDLE to;
};

bool TellInput(HANDLE to, const unsigned char* bytes, DWORD count, bool is_end) {
  JsonWriter writer;
  BeginMessage(&writer, L"stdin");
  writer.PutText(L"bytes", Base64(bytes, count).z());
  writer.PutBool(L"end", is_end);
  writer.Close();
  return WriteFrame(to, writer.bytes());
}

// The runner may have gone; then its other pipe tells.
DWORD WINAPI PassInput(void* given) {
  const Input& input = *static_cast<const Input*>(given);
  auto* buffer = static_cast<unsigned char*>(Allocate(kChunk));
  DWORD count = 0;
  bool told = true;
  while (told && input.stream != nullptr &&
         CALL(FALSE, ReadFile, input.stream, buffer, kChunk, &count, nullptr) && count > 0) {
    told = TellInput(input.to, buffer, count, false);
  }
  if (told) TellInput(input.to, buffer, 0, true);
  Release(buffer);
  return 0;
}

Failure StartThread(LPTHREAD_START_ROUTINE routine, void* given) {
  const HANDLE thread = CALL(nullptr, CreateThread, nullptr, 0, routine, given, 0, nullptr);
  if (thread == nullptr) return LastFailure(L"wait", L"CreateThread");
  CloseHandle(thread);
  return {};
}

// Held by the job before its first instruction.
Failure LetGo(const Runner& runner, HANDLE thread) {
  if (!CALL(FALSE, AssignProcessToJobObject, runner.job, runner.process)) {
    return LastFailure(L"job", L"AssignProcessToJobObject");
  }
  BOOL is_in_job = FALSE;
  if (!CALL(FALSE, IsProcessInJob, runner.process, runner.job, &is_in_job)) {
    return LastFailure(L"job", L"IsProcessInJob");
  }
  if (!is_in_job) return {L"job", L"the runner is not in the job", 0};
  const DWORD held = CALL(static_cast<DWORD>(-1), ResumeThread, thread);
  if (held == static_cast<DWORD>(-1)) return LastFailure(L"resume", L"ResumeThread");
  return held == 1 ? Failure() : Failure{L"resume", L"the runner was held, or let go, by somebody else", 0};
}

Failure ShakeHands(const Pipes& pipes, DWORD pid, const Text& secret) {
  if (const Failure failure = AwaitClient(pipes, pid)) return failure;
  Bytes body;
  JsonDocument document;
  const JsonValue* message = nullptr;
  if (const Failure failure = ReadMessage(pipes.from, &body, &document, &message)) {
    return {L"handshake", failure.what, failure.win32};
  }
  Text first;
  first.Append(secret.data(), secret.size() / 2);
  const JsonValue* nonce = IsMessageOf(message, L"hello") ? message->Member(L"nonce") : nullptr;
  if (!IsTextValue(nonce) || !first.Equals(nonce->text)) {
    return {L"handshake", L"the runner does not know the secret", 0};
  }
  JsonWriter welcome;
  BeginMessage(&welcome, L"welcome");
  welcome.PutText(L"nonce", secret.z() + secret.size() / 2);
  welcome.Close();
  return WriteFrame(pipes.to, welcome.bytes()) ? Failure() : LastFailure(L"handshake", L"WriteFile");
}

Failure Begin(LogonRequest* request, Runner* runner) {
  if (const Failure failure = MakeJob(JobKind::kNested, &runner->job)) return failure;
  Text name(L"castellan-");
  Text secret;
  if (const Failure failure = PutRandom(16, &name)) return failure;
  if (const Failure failure = PutRandom(kSecret, &secret)) return failure;
  if (const Failure failure = MakePipes(name, request->account_sid, &runner->pipes)) return failure;
  runner->shaken = CALL(nullptr, CreateEventW, nullptr, TRUE, FALSE, nullptr);
  if (runner->shaken == nullptr) return LastFailure(L"handshake", L"CreateEvent");
  Text line(L"runner --pipe ");
  line.Put(name);
  line.Put(L" --nonce ");
  line.Put(secret);
  line.Put(L" --account ");
  line.Put(SidText(request->account_sid));
  PROCESS_INFORMATION made = {};
  if (const Failure failure = StartRunner(request, line, &made)) return failure;
  runner->process = made.hProcess;
  if (const Failure failure = StartThread(WatchHandshake, runner)) return failure;
  if (const Failure failure = LetGo(*runner, made.hThread)) return failure;
  CloseHandle(made.hThread);
  if (const Failure failure = ShakeHands(runner->pipes, made.dwProcessId, secret)) return failure;
  return CALL(FALSE, SetEvent, runner->shaken) ? Failure() : LastFailure(L"handshake", L"SetEvent");
}

// Whoever does not listen any more loses what is written.
void WriteOut(HANDLE stream, const Bytes& bytes) {
  size_t done = 0;
  while (stream != nullptr && done < bytes.size()) {
    DWORD now = 0;
    const DWORD left = static_cast<DWORD>(bytes.size() - done);
    if (!CALL(FALSE, WriteFile, stream, bytes.data() + done, left, &now, nullptr) || now == 0) return;
    done += now;
  }
}

bool TakeOutput(const JsonValue* message, const Descriptors& descriptors) {
  const JsonValue* stream = message->Member(L"stream");
  const JsonValue* given = message->Member(L"bytes");
  Bytes bytes;
  if (!IsTextValue(stream) || !IsTextValue(given) || !ReadBase64(given->text, given->length, &bytes)) {
    return false;
  }
  const bool is_error = SameText(stream->text, L"stderr");
  if (!is_error && !SameText(stream->text, L"stdout")) return false;
  WriteOut(descriptors.At(is_error ? 2 : 1), bytes);
  return true;
}

bool TakeNumber(const JsonValue* value, DWORD* number) {
  if (value == nullptr || value->kind != JsonKind::kNumber || value->number > 0xffffffff) return false;
  *number = static_cast<DWORD>(value->number);
  return true;
}

Failure NoWord() {
  return {L"runner", L"the runner said something that it cannot say", 0};
}

// One word of the runner after the other, until it says how the command ended.
UINT Listen(const Runner& runner, const Descriptors& descriptors) {
  static Input input;
  input = {descriptors.At(0), runner.pipes.to};
  bool runs = false;
  for (;;) {
    Bytes body;
    JsonDocument document;
    const JsonValue* message = nullptr;
    if (const Failure failure = ReadMessage(runner.pipes.from, &body, &document, &message)) {
      End(runner, {L"runner", L"the runner ended before the command had", failure.win32});
    }
    DWORD number = 0;
    if (IsMessageOf(message, L"error")) {
      TerminateJobObject(runner.job, kRefused);
      // Its own words; who reads them reads them as carefully as any.
      WriteFrame(runner.status, body);
      return kRefused;
    }
    if (!runs) {
      if (!IsMessageOf(message, L"spawn_ready") || !TakeNumber(message->Member(L"pid"), &number)) {
        End(runner, NoWord());
      }
      if (!Say(runner.status, L"spawn_ready", L"pid", number)) {
        End(runner, LastFailure(L"wait", L"WriteFile"));
      }
      runs = true;
      if (const Failure failure = StartThread(PassInput, &input)) End(runner, failure);
    } else if (IsMessageOf(message, L"exit")) {
      if (!TakeNumber(message->Member(L"code"), &number)) End(runner, NoWord());
      Say(runner.status, L"exit", L"code", number);
      return number;
    } else if (!IsMessageOf(message, L"output") || !TakeOutput(message, descriptors)) {
      End(runner, NoWord());
    }
  }
}

// A runner that refuses ends at once, maybe before it was asked, and has said why by then. One that is still
// there would be waited for in vain.
[[noreturn]] void EndUnasked(const Runner& runner, const Failure& failure) {
  Bytes body;
  JsonDocument document;
  const JsonValue* message = nullptr;
  const bool is_gone = failure.win32 == ERROR_NO_DATA || failure.win32 == ERROR_BROKEN_PIPE;
  const bool has_said = is_gone && !ReadMessage(runner.pipes.from, &body, &document, &message) &&
                        IsMessageOf(message, L"error");
  if (!has_said) End(runner, failure);
  TerminateJobObject(runner.job, kRefused);
  WriteFrame(runner.status, body);
  ExitProcess(kRefused);
}

}  // namespace

UINT RunElevated(HANDLE status, HANDLE stream, const Descriptors& descriptors) {
  static Runner runner;
  runner.status = status;
  JsonDocument documents[2];
  Bytes bodies[2];
  const JsonValue* messages[2] = {};
  for (int index = 0; index < 2; index++) {
    if (const Failure failure = ReadMessage(stream, &bodies[index], &documents[index], &messages[index])) {
      End(runner, failure);
    }
  }
  LogonRequest logon;
  if (const wchar_t* wrong = ReadLogonRequest(messages[0], &logon)) End(runner, {L"request", wrong, 0});
  // Looked at here already: what cannot be carried out needs no runner.
  Request request;
  if (const Failure failure = CheckRequest(messages[1], true, &request)) End(runner, failure);

  if (const Failure failure = Begin(&logon, &runner)) End(runner, failure);
  if (const Failure failure = WatchRequestOf(stream, runner.job, logon.ends_with_request)) {
    End(runner, failure);
  }
  if (!WriteFrame(runner.pipes.to, bodies[1])) EndUnasked(runner, LastFailure(L"runner", L"WriteFile"));
  return Listen(runner, descriptors);
}

}  // namespace castellan
