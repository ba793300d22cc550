#include "request.h"

#include "../common/calls.h"

namespace castellan {
namespace {

constexpr unsigned long long kVersion = 1;
// DISABLE_MAX_PRIVILEGE, LUA_TOKEN, WRITE_RESTRICTED. A token that has less of them is not made.
constexpr unsigned long long kFlags = 0x1 | 0x4 | 0x8;
// What CreateProcess takes, with the NUL.
constexpr size_t kLongestLine = 32766;
constexpr size_t kMostPrincipals = 1024;

bool IsText(const JsonValue* value) {
  return value != nullptr && value->kind == JsonKind::kText;
}

bool IsNumber(const JsonValue* value, unsigned long long most) {
  return value != nullptr && value->kind == JsonKind::kNumber && value->number <= most;
}

bool ReadBool(const JsonValue* value, bool* into) {
  if (value == nullptr) return true;
  if (value->kind != JsonKind::kTrue && value->kind != JsonKind::kFalse) return false;
  *into = value->kind == JsonKind::kTrue;
  return true;
}

bool HasOnly(const JsonValue* object, const wchar_t* const* known, size_t count) {
  for (const JsonValue* member = object->first; member != nullptr; member = member->next) {
    bool found = false;
    for (size_t index = 0; index < count && !found; index++) found = SameText(member->name, known[index]);
    if (!found) return false;
  }
  return true;
}

template <size_t count>
bool HasOnly(const JsonValue* object, const wchar_t* const (&known)[count]) {
  return HasOnly(object, known, count);
}

wchar_t Upper(wchar_t unit) {
  return unit >= L'a' && unit <= L'z' ? static_cast<wchar_t>(unit - 32) : unit;
}

// `C:\…` or `\\…`. What stands behind a relative name depends on who asks.
bool IsAbsolute(const wchar_t* path) {
  if (path[0] == L'\\' && path[1] == L'\\') return path[2] != 0;
  const wchar_t drive = Upper(path[0]);
  return drive >= L'A' && drive <= L'Z' && path[1] == L':' && path[2] == L'\\';
}

// The system starts cmd.exe for these, which takes the command line apart in its own way. It also drops dots
// and spaces at the end of a name.
bool IsBatch(const JsonValue* program) {
  size_t length = program->length;
  while (length > 0 && (program->text[length - 1] == L'.' || program->text[length - 1] == L' ')) length--;
  if (length < 4) return false;
  wchar_t ending[5] = {};
  for (size_t index = 0; index < 4; index++) ending[index] = Upper(program->text[length - 4 + index]);
  return SameText(ending, L".BAT") || SameText(ending, L".CMD");
}

int CompareNames(const wchar_t* left, size_t left_length, const wchar_t* right, size_t right_length) {
  // CSTR_LESS_THAN is 1, CSTR_EQUAL 2; 0 is a failure.
  return CALL(0, CompareStringOrdinal, left, static_cast<int>(left_length), right,
              static_cast<int>(right_length), TRUE);
}

const wchar_t* ReadEnvironment(const JsonValue* object, Text* block) {
  List<const JsonValue*> variables;
  for (const JsonValue* variable = object->first; variable != nullptr; variable = variable->next) {
    const wchar_t* name = variable->name;
    if (!IsText(variable)) return L"a variable of the environment is no text";
    if (name[0] == 0 || SameText(name, L"=")) return L"a variable of the environment has no name";
    for (const wchar_t* at = name + 1; *at != 0; at++) {
      if (*at == L'=') return L"a variable of the environment has a name with an equals sign";
    }
    variables.Add(variable);
  }
  bool failed = false;
  const auto compare = [&](const JsonValue* left, const JsonValue* right) {
    const int order = CompareNames(left->name, LengthOf(left->name), right->name, LengthOf(right->name));
    failed = failed || order == 0;
    return order;
  };
  for (size_t gap = variables.size() / 2; gap > 0; gap /= 2) {
    for (size_t index = gap; index < variables.size(); index++) {
      const JsonValue* variable = variables[index];
      size_t place = index;
      for (; place >= gap && compare(variables[place - gap], variable) == CSTR_GREATER_THAN; place -= gap) {
        variables[place] = variables[place - gap];
      }
      variables[place] = variable;
    }
  }
  for (size_t index = 1; index < variables.size(); index++) {
    if (compare(variables[index - 1], variables[index]) == CSTR_EQUAL) {
      return L"a variable of the environment is there twice, in different letter case";
    }
  }
  if (failed) return L"the environment cannot be sorted";
  for (const JsonValue* variable : variables) {
    block->Put(variable->name);
    block->Put(L"=");
    block->Put(variable->text);
    block->Add(0);
  }
  // An empty block is two NULs.
  if (variables.empty()) block->Add(0);
  block->Add(0);
  return nullptr;
}

bool ReadPrincipal(const JsonValue* role, const JsonValue* sids, NamedPrincipal* principal) {
  if (!IsText(role)) return false;
  *principal = NamedPrincipal();
  if (SameText(role->text, L"logon")) {
    principal->kind = Principal::kLogon;
    return true;
  }
  if (SameText(role->text, L"everyone")) {
    principal->kind = Principal::kEveryone;
    return true;
  }
  if (SameText(role->text, L"account")) {
    principal->kind = Principal::kAccount;
    return true;
  }
  principal->kind = Principal::kCapability;
  const JsonValue* sid = sids->Member(role->text);
  return IsText(sid) && ReadSid(sid->text, &principal->sid) && IsCapability(principal->sid);
}

bool ReadPrincipals(const JsonValue* list, const JsonValue* sids, List<NamedPrincipal>* principals) {
  if (list == nullptr || list->kind != JsonKind::kList || list->count == 0 || list->count > kMostPrincipals)
    return false;
  for (const JsonValue* role = list->first; role != nullptr; role = role->next) {
    NamedPrincipal principal;
    if (!ReadPrincipal(role, sids, &principal)) return false;
    principals->Add(principal);
  }
  return true;
}

const wchar_t* ReadToken(const JsonValue* token, const JsonValue* sids, TokenPlan* plan) {
  static const wchar_t* const kKnown[] = {L"flags", L"restricting", L"defaultDacl", L"integrity",
                                          L"privileges"};
  if (token == nullptr || token->kind != JsonKind::kObject || !HasOnly(token, kKnown))
    return L"the token plan";
  if (sids == nullptr || sids->kind != JsonKind::kObject) return L"the identifiers";
  const JsonValue* flags = token->Member(L"flags");
  if (!IsNumber(flags, 0xffffffff) || flags->number != kFlags) return L"the token's flags";
  plan->flags = static_cast<DWORD>(flags->number);
  if (!ReadPrincipals(token->Member(L"restricting"), sids, &plan->restricting))
    return L"the restricting identifiers";
  if (!ReadPrincipals(token->Member(L"defaultDacl"), sids, &plan->default_dacl))
    return L"the default access list";
  const JsonValue* integrity = token->Member(L"integrity");
  if (!IsText(integrity)) return L"the integrity level";
  plan->low = SameText(integrity->text, L"low");
  if (!plan->low && !SameText(integrity->text, L"medium")) return L"the integrity level";
  const JsonValue* privileges = token->Member(L"privileges");
  if (privileges == nullptr || privileges->kind != JsonKind::kList) return L"the privileges";
  for (const JsonValue* privilege = privileges->first; privilege != nullptr; privilege = privilege->next) {
    // The only one that a restricted token is left with.
    if (!IsText(privilege) || !SameText(privilege->text, L"SeChangeNotifyPrivilege"))
      return L"the privileges";
    plan->privileges.Add(privilege->text);
  }
  return nullptr;
}

}  // namespace

bool IsMessageOf(const JsonValue* message, const wchar_t* type) {
  if (message == nullptr || message->kind != JsonKind::kObject) return false;
  const JsonValue* given = message->Member(L"type");
  const JsonValue* version = message->Member(L"version");
  return IsText(given) && SameText(given->text, type) && IsNumber(version, kVersion) &&
         version->number == kVersion;
}

bool IsTextValue(const JsonValue* value) {
  return IsText(value);
}

bool HasOnlyMembers(const JsonValue* object, const wchar_t* const* known, size_t count) {
  return HasOnly(object, known, count);
}

bool IsAbsolutePath(const wchar_t* path) {
  return IsAbsolute(path);
}

const wchar_t* ReadRequest(const JsonValue* message, Request* request) {
  static const wchar_t* const kKnown[] = {
      L"type",        L"version", L"program", L"command_line",    L"cwd",
      L"environment", L"token",   L"sids",    L"private_desktop", L"ends_with_request"};
  if (message == nullptr || message->kind != JsonKind::kObject) return L"it is no message";
  const JsonValue* type = message->Member(L"type");
  const JsonValue* version = message->Member(L"version");
  if (!IsText(type) || !SameText(type->text, L"spawn_request")) return L"it is no request";
  if (!IsNumber(version, kVersion) || version->number != kVersion) return L"it has another version";
  if (!HasOnly(message, kKnown)) return L"it asks for something that is not known";

  const JsonValue* program = message->Member(L"program");
  if (!IsText(program) || !IsAbsolute(program->text)) return L"the program is no absolute path";
  if (IsBatch(program)) return L"the program is a batch file";
  request->program = program->text;
  const JsonValue* line = message->Member(L"command_line");
  if (!IsText(line) || line->length == 0 || line->length > kLongestLine) return L"the command line";
  request->command_line.Put(line->text);
  const JsonValue* cwd = message->Member(L"cwd");
  if (!IsText(cwd) || !IsAbsolute(cwd->text)) return L"the working directory is no absolute path";
  request->cwd = cwd->text;
  const JsonValue* environment = message->Member(L"environment");
  if (environment == nullptr || environment->kind != JsonKind::kObject) return L"the environment";
  if (const wchar_t* wrong = ReadEnvironment(environment, &request->environment)) return wrong;
  if (const wchar_t* wrong = ReadToken(message->Member(L"token"), message->Member(L"sids"), &request->token))
    return wrong;
  if (!ReadBool(message->Member(L"private_desktop"), &request->private_desktop)) return L"the desktop";
  if (!ReadBool(message->Member(L"ends_with_request"), &request->ends_with_request)) return L"its end";
  return nullptr;
}

bool ReadTerminate(const JsonValue* message, DWORD* code) {
  static const wchar_t* const kKnown[] = {L"type", L"version", L"code"};
  if (!IsMessageOf(message, L"terminate") || !HasOnly(message, kKnown)) return false;
  const JsonValue* given = message->Member(L"code");
  *code = 1;
  if (given == nullptr) return true;
  if (!IsNumber(given, 0xffffffff)) return false;
  *code = static_cast<DWORD>(given->number);
  return true;
}

}  // namespace castellan
