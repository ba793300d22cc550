#include "exchange.h"

#include "../common/frame.h"

namespace castellan {
namespace {

bool NamesAccount(const List<NamedPrincipal>& principals) {
  for (const NamedPrincipal& principal : principals) {
    if (principal.kind == Principal::kAccount) return true;
  }
  return false;
}

}  // namespace

void BeginMessage(JsonWriter* writer, const wchar_t* type) {
  writer->Open();
  writer->PutText(L"type", type);
  writer->PutNumber(L"version", 1);
}

bool Say(HANDLE stream, const wchar_t* type, const wchar_t* name, DWORD number) {
  JsonWriter writer;
  BeginMessage(&writer, type);
  writer.PutNumber(name, number);
  writer.Close();
  return WriteFrame(stream, writer.bytes());
}

[[noreturn]] void Refuse(HANDLE stream, const Failure& failure, const TokenReport* report) {
  JsonWriter writer;
  BeginMessage(&writer, L"error");
  writer.PutText(L"stage", failure.stage);
  writer.PutNumber(L"win32", failure.win32);
  writer.PutText(L"message", failure.what);
  if (report != nullptr) report->Write(&writer);
  writer.Close();
  WriteFrame(stream, writer.bytes());
  ExitProcess(kRefused);
}

Failure ReadMessage(HANDLE stream, Bytes* body, JsonDocument* document, const JsonValue** message) {
  switch (ReadFrame(stream, body)) {
    case FrameResult::kFrame:
      break;
    case FrameResult::kEnd:
      return {L"request", L"there is none", ERROR_HANDLE_EOF};
    case FrameResult::kTooLong:
      return {L"request", L"it is too long", 0};
    default:
      return LastFailure(L"request", L"ReadFile");
  }
  *message = document->Read(body->data(), body->size());
  return *message == nullptr ? Failure{L"request", L"it is no JSON", 0} : Failure();
}

Failure CheckRequest(const JsonValue* message, bool as_account, Request* request) {
  if (const wchar_t* wrong = ReadRequest(message, request)) return {L"request", wrong, 0};
  const bool names_account =
      NamesAccount(request->token.restricting) || NamesAccount(request->token.default_dacl);
  if (names_account && !as_account) return {L"request", L"the token would name the user", 0};
  return {};
}

}  // namespace castellan
