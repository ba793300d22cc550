// What this program is asked, and what it says of itself, in frames (lib/native/windows-binding.ts).
#ifndef CASTELLAN_WINDOWS_EXCHANGE_H_
#define CASTELLAN_WINDOWS_EXCHANGE_H_

#include "../common/failure.h"
#include "../common/json.h"
#include "request.h"
#include "token.h"

namespace castellan {

// The exit code when no command ran, or nobody knows how it ended.
constexpr UINT kRefused = 126;

void BeginMessage(JsonWriter* writer, const wchar_t* type);

bool Say(HANDLE stream, const wchar_t* type, const wchar_t* name, DWORD number);

// Nobody may listen any more; the exit code says it too.
[[noreturn]] void Refuse(HANDLE stream, const Failure& failure, const TokenReport* report);

// One frame, and the message in it. What is read is held by the document.
Failure ReadMessage(HANDLE stream, Bytes* body, JsonDocument* document, const JsonValue** message);

// A request, from a message. `as_account`: the token may name the account of this process, which nobody else
// uses; the user's own identifier opens nearly everything that is the user's.
Failure CheckRequest(const JsonValue* message, bool as_account, Request* request);

}  // namespace castellan

#endif  // CASTELLAN_WINDOWS_EXCHANGE_H_
