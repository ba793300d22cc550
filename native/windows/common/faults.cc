// Only in the test build. CASTELLAN_FAULT: which call fails, from 1; CASTELLAN_FAULT_LIST: a file that gets
// the name of every call; CASTELLAN_FAULT_RUNNER: both are for the runner, and otherwise for whoever starts
// it; CASTELLAN_PRETEND, or the macro CASTELLAN_PRETENDS: a restricted token, or an access list, is read back
// as it was asked for, because Wine makes none.
#include "calls.h"

#ifdef CASTELLAN_FAULTS

#include "memory.h"

namespace castellan {
namespace {

LONG made = 0;
// -1: the variables say it.
LONG chosen = -1;
constexpr LONG kMostNames = 4096;
const char* names[kMostNames];

bool Variable(const wchar_t* name, wchar_t* value, DWORD size) {
  const DWORD length = GetEnvironmentVariableW(name, value, size);
  return length > 0 && length < size;
}

// The second word of the command line.
bool IsRunner() {
  const wchar_t* at = GetCommandLineW();
  for (bool quoted = false; *at != 0 && (quoted || *at != L' '); at++) {
    if (*at == L'"') quoted = !quoted;
  }
  while (*at == L' ') at++;
  const wchar_t* wanted = L"runner ";
  while (*wanted != 0 && *wanted == *at) wanted++, at++;
  return *wanted == 0;
}

bool IsMeant() {
  wchar_t text[16];
  return IsRunner() == Variable(L"CASTELLAN_FAULT_RUNNER", text, 16);
}

LONG Ordinal() {
  if (chosen >= 0) return chosen;
  wchar_t text[16];
  if (!Variable(L"CASTELLAN_FAULT", text, 16)) return 0;
  LONG ordinal = 0;
  for (const wchar_t* at = text; *at >= L'0' && *at <= L'9'; at++) ordinal = ordinal * 10 + (*at - L'0');
  return ordinal;
}

void Note(const char* call) {
  wchar_t path[300];
  if (!Variable(L"CASTELLAN_FAULT_LIST", path, 300)) return;
  const HANDLE file = ::CreateFileW(path, FILE_APPEND_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE, nullptr,
                                    OPEN_ALWAYS, 0, nullptr);
  if (file == INVALID_HANDLE_VALUE) return;
  DWORD length = 0;
  while (call[length] != 0) length++;
  DWORD written = 0;
  ::WriteFile(file, call, length, &written, nullptr);
  ::WriteFile(file, "\n", 1, &written, nullptr);
  ::CloseHandle(file);
}

}  // namespace

bool FailsNow(const char* call) {
  const DWORD error = GetLastError();
  if (!IsMeant()) {
    SetLastError(error);
    return false;
  }
  Note(call);
  const LONG ordinal = InterlockedIncrement(&made);
  if (ordinal <= kMostNames) names[ordinal - 1] = call;
  const bool fails = ordinal == Ordinal();
  SetLastError(error);
  return fails;
}

void FailAt(LONG ordinal) {
  made = 0;
  chosen = ordinal;
}

size_t CallCount() {
  return static_cast<size_t>(made < kMostNames ? made : kMostNames);
}

const char* CallAt(size_t index) {
  return names[index];
}

bool Pretends() {
#ifdef CASTELLAN_PRETENDS
  return true;
#else
  const DWORD error = GetLastError();
  wchar_t text[16];
  const bool pretends = Variable(L"CASTELLAN_PRETEND", text, 16);
  SetLastError(error);
  return pretends;
#endif
}

}  // namespace castellan

#endif
