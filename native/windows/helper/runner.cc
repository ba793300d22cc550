#include "runner.h"

#include "../common/base64.h"
#include "../common/calls.h"
#include "../common/frame.h"
#include "../common/token_query.h"
#include "exchange.h"
#include "launch.h"
#include "pipes.h"
#include "words.h"

namespace castellan {
namespace {

constexpr DWORD kChunk = 1 << 15;

// Frames of two threads must not mix.
SRWLOCK writing = SRWLOCK_INIT;

struct Conversation {
  Pipes pipes;
  HANDLE job = nullptr;
  // Of the command's standard input; null once it was closed.
  HANDLE input = nullptr;
};

struct Output {
  const Conversation* conversation;
  HANDLE stream;
  const wchar_t* name;
};

struct Words {
  Text pipe;
  Text nonce;
  Text account;
};

bool ReadWords(const wchar_t* line, Words* words) {
  Text more;
  return NextOption(&line, L"--pipe", &words->pipe) && NextOption(&line, L"--nonce", &words->nonce) &&
         NextOption(&line, L"--account", &words->account) && !NextWord(&line, &more);
}

// Each side says its half of a secret that only the other one knows.
Failure ShakeHands(const Pipes& pipes, const Text& nonce) {
  const size_t half = nonce.size() / 2;
  Text own;
  own.Append(nonce.data(), half);
  JsonWriter hello;
  BeginMessage(&hello, L"hello");
  hello.PutText(L"nonce", own.z());
  hello.Close();
  if (!WriteFrame(pipes.from, hello.bytes())) return LastFailure(L"handshake", L"WriteFile");
  Bytes body;
  JsonDocument document;
  const JsonValue* message = nullptr;
  if (const Failure failure = ReadMessage(pipes.to, &body, &document, &message)) return failure;
  const JsonValue* answer = IsMessageOf(message, L"welcome") ? message->Member(L"nonce") : nullptr;
  const bool is_known = half > 0 && answer != nullptr && answer->kind == JsonKind::kText &&
                        SameText(answer->text, nonce.z() + half);
  return is_known ? Failure() : Failure{L"handshake", L"the other side does not know the secret", 0};
}

// Nothing of the account's may be done as somebody else.
Failure CheckAccount(const Text& expected) {
  HANDLE token = nullptr;
  if (!CALL(FALSE, OpenProcessToken, GetCurrentProcess(), TOKEN_QUERY, &token)) {
    return LastFailure(L"account", L"OpenProcessToken");
  }
  SidBytes own = {};
  const bool found = FindUserSid(token, &own);
  const Failure failure = found ? Failure() : LastFailure(L"account", L"TokenUser");
  CloseHandle(token);
  if (failure) return failure;
  return SidText(own).Equals(expected) ? Failure() : Failure{L"account", L"this is another account", 0};
}

// The command's ends of three pipes, and this process's.
struct Streams {
  HANDLE command[3] = {};
  HANDLE own[3] = {};
};

Failure MakeStreams(Streams* streams) {
  for (int index = 0; index < 3; index++) {
    HANDLE reads = nullptr;
    HANDLE writes = nullptr;
    if (!CALL(FALSE, CreatePipe, &reads, &writes, nullptr, kChunk))
      return LastFailure(L"handles", L"CreatePipe");
    streams->command[index] = index == 0 ? reads : writes;
    streams->own[index] = index == 0 ? writes : reads;
  }
  return {};
}

[[noreturn]] void GiveUp(const Conversation& conversation) {
  TerminateJobObject(conversation.job, kRefused);
  ExitProcess(kRefused);
}

DWORD WINAPI TellOutput(void* given) {
  const Output& output = *static_cast<const Output*>(given);
  auto* buffer = static_cast<unsigned char*>(Allocate(kChunk));
  DWORD count = 0;
  while (CALL(FALSE, ReadFile, output.stream, buffer, kChunk, &count, nullptr)) {
    JsonWriter writer;
    BeginMessage(&writer, L"output");
    writer.PutText(L"stream", output.name);
    writer.PutText(L"bytes", Base64(buffer, count).z());
    writer.Close();
    AcquireSRWLockExclusive(&writing);
    const bool told = WriteFrame(output.conversation->pipes.from, writer.bytes());
    ReleaseSRWLockExclusive(&writing);
    if (!told) GiveUp(*output.conversation);
  }
  // The end of the pipe, when nobody can write any more; anything else would be output that is lost.
  if (GetLastError() != ERROR_BROKEN_PIPE) GiveUp(*output.conversation);
  Release(buffer);
  return 0;
}

// What the command does not read is dropped with it.
bool TakeInput(const JsonValue* message, Conversation* conversation) {
  const JsonValue* given = message->Member(L"bytes");
  const JsonValue* end = message->Member(L"end");
  Bytes bytes;
  if (given == nullptr || given->kind != JsonKind::kText || end == nullptr ||
      (end->kind != JsonKind::kTrue && end->kind != JsonKind::kFalse) ||
      !ReadBase64(given->text, given->length, &bytes)) {
    return false;
  }
  size_t done = 0;
  while (conversation->input != nullptr && done < bytes.size()) {
    DWORD now = 0;
    const DWORD left = static_cast<DWORD>(bytes.size() - done);
    if (!CALL(FALSE, WriteFile, conversation->input, bytes.data() + done, left, &now, nullptr)) break;
    done += now;
  }
  const bool is_over = end->kind == JsonKind::kTrue || done < bytes.size();
  if (is_over && conversation->input != nullptr) {
    CloseHandle(conversation->input);
    conversation->input = nullptr;
  }
  return true;
}

// The end of the pipe is the end of whoever asked; a word that is none is not passed over.
DWORD WINAPI TakeWords(void* given) {
  auto* conversation = static_cast<Conversation*>(given);
  for (;;) {
    Bytes body;
    JsonDocument document;
    const JsonValue* message = nullptr;
    if (ReadMessage(conversation->pipes.to, &body, &document, &message)) GiveUp(*conversation);
    if (!IsMessageOf(message, L"stdin") || !TakeInput(message, conversation)) GiveUp(*conversation);
  }
}

Failure StartThread(LPTHREAD_START_ROUTINE routine, void* given, HANDLE* thread) {
  *thread = CALL(nullptr, CreateThread, nullptr, 0, routine, given, 0, nullptr);
  return *thread == nullptr ? LastFailure(L"wait", L"CreateThread") : Failure();
}

struct Running {
  Launched launched;
  HANDLE threads[2] = {};
};

// From the token to a command that runs and is listened to.
Failure Start(const Request& request, Conversation* conversation, Running* running, TokenReport* report) {
  HANDLE token = nullptr;
  Identities identities = {};
  if (const Failure failure = MakeToken(request.token, &identities, &token)) return failure;
  if (const Failure failure = ReadToken(token, L"verify-token", report)) return failure;
  if (!report->IsAsPlanned(request.token, identities)) {
    return {L"verify-token", L"the system made another token than was planned", 0};
  }
  // The job of this process is the user's, and a job with limits on windows has no place in another one.
  if (const Failure failure = MakeJob(JobKind::kNested, &conversation->job)) return failure;
  Streams streams;
  if (const Failure failure = MakeStreams(&streams)) return failure;
  Descriptors descriptors;
  descriptors.Hold(streams.command);
  TokenReport launched_report;
  const Failure failure = Launch(request, identities, token, conversation->job, descriptors,
                                 &running->launched, &launched_report);
  for (const HANDLE handle : streams.command) CloseHandle(handle);
  if (failure) return failure;
  conversation->input = streams.own[0];
  static Output outputs[2];
  outputs[0] = {conversation, streams.own[1], L"stdout"};
  outputs[1] = {conversation, streams.own[2], L"stderr"};
  if (!Say(conversation->pipes.from, L"spawn_ready", L"pid", running->launched.pid)) GiveUp(*conversation);
  for (int index = 0; index < 2; index++) {
    if (const Failure lost = StartThread(TellOutput, &outputs[index], &running->threads[index])) return lost;
  }
  HANDLE words = nullptr;
  return StartThread(TakeWords, conversation, &words);
}

// The command's last words before its exit code.
Failure Await(const Conversation& conversation, const Running& running, DWORD* code) {
  if (CALL(WAIT_FAILED, WaitForSingleObject, running.launched.process, INFINITE) != WAIT_OBJECT_0 ||
      !CALL(FALSE, GetExitCodeProcess, running.launched.process, code)) {
    return LastFailure(L"wait", L"WaitForSingleObject");
  }
  // What it left behind ends with it, and with that the pipes.
  TerminateJobObject(conversation.job, *code);
  for (const HANDLE thread : running.threads) {
    if (CALL(WAIT_FAILED, WaitForSingleObject, thread, INFINITE) != WAIT_OBJECT_0) {
      return LastFailure(L"wait", L"WaitForSingleObject");
    }
  }
  return {};
}

}  // namespace

UINT RunAsAccount(const wchar_t* line) {
  Words words;
  static Conversation conversation;
  if (!ReadWords(line, &words) || OpenPipes(words.pipe, &conversation.pipes)) return kRefused;
  const HANDLE from = conversation.pipes.from;
  // Who does not know the secret is told nothing more.
  if (ShakeHands(conversation.pipes, words.nonce)) return kRefused;
  if (const Failure failure = CheckAccount(words.account)) Refuse(from, failure, nullptr);
  Bytes body;
  JsonDocument document;
  const JsonValue* message = nullptr;
  if (const Failure failure = ReadMessage(conversation.pipes.to, &body, &document, &message)) {
    Refuse(from, failure, nullptr);
  }
  Request request;
  if (const Failure failure = CheckRequest(message, true, &request)) Refuse(from, failure, nullptr);

  Running running;
  TokenReport report;
  Failure failure = Start(request, &conversation, &running, &report);
  DWORD code = kRefused;
  if (!failure) failure = Await(conversation, running, &code);
  AcquireSRWLockExclusive(&writing);
  if (failure) {
    if (conversation.job != nullptr) TerminateJobObject(conversation.job, kRefused);
    const bool is_other = SameText(failure.stage, L"verify-token") && failure.win32 == 0;
    Refuse(from, failure, is_other ? &report : nullptr);
  }
  return Say(from, L"exit", L"code", code) ? code : kRefused;
}

}  // namespace castellan
