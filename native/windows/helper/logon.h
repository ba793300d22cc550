// As whom the runner is started, and how.
#ifndef CASTELLAN_WINDOWS_LOGON_H_
#define CASTELLAN_WINDOWS_LOGON_H_

#include "../common/failure.h"
#include "../common/json.h"
#include "../common/memory.h"
#include "../common/sid.h"

namespace castellan {

struct LogonRequest {
  // Held by the document.
  const wchar_t* account = nullptr;
  const wchar_t* runner = nullptr;
  SidBytes account_sid = {};
  // The password as DPAPI protects it.
  Bytes secret;
  bool ends_with_request = false;
};

// Returns null, or what is wrong.
const wchar_t* ReadLogonRequest(const JsonValue* message, LogonRequest* request);

// Suspended. `line`: the words of the runner, without its own path.
Failure StartRunner(LogonRequest* request, const Text& line, PROCESS_INFORMATION* runner);

}  // namespace castellan

#endif  // CASTELLAN_WINDOWS_LOGON_H_
