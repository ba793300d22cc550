// What the helper is asked for (lib/native/windows-binding.ts). A member that is not known is refused: it
// might be a demand, and one that is passed over would not be met.
#ifndef CASTELLAN_WINDOWS_REQUEST_H_
#define CASTELLAN_WINDOWS_REQUEST_H_

#include "../common/json.h"
#include "../common/memory.h"
#include "../common/sid.h"

namespace castellan {

enum class Principal { kCapability, kLogon, kAccount, kEveryone };

struct NamedPrincipal {
  Principal kind;
  // Of a capability; the others are looked up.
  SidBytes sid;
};

struct TokenPlan {
  DWORD flags = 0;
  List<NamedPrincipal> restricting;
  List<NamedPrincipal> default_dacl;
  bool low = false;
  // Names, held by the document.
  List<const wchar_t*> privileges;
};

struct Request {
  const wchar_t* program = nullptr;
  Text command_line;
  const wchar_t* cwd = nullptr;
  // `NAME=value\0…\0`.
  Text environment;
  TokenPlan token;
  bool private_desktop = true;
  bool ends_with_request = false;
};

// Questions about messages of every kind. `IsMessageOf` takes this version alone.
bool IsMessageOf(const JsonValue* message, const wchar_t* type);
bool IsTextValue(const JsonValue* value);
bool HasOnlyMembers(const JsonValue* object, const wchar_t* const* known, size_t count);
bool IsAbsolutePath(const wchar_t* path);

// Returns null, or what is wrong. What is read is held by the document.
const wchar_t* ReadRequest(const JsonValue* message, Request* request);

// A `terminate` message and its code.
bool ReadTerminate(const JsonValue* message, DWORD* code);

}  // namespace castellan

#endif  // CASTELLAN_WINDOWS_REQUEST_H_
