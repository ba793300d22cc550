// Only in the test build. CASTELLAN_FAULT: which call fails, from 1; CASTELLAN_FAULT_LIST: a file that gets
// the name of every call; CASTELLAN_FAULT_RUNNER: both are for the runner, and otherwise for whoever starts
// it; CASTELLAN_PRETEND: a restricted token is read back as it was asked for, because Wine makes none.
#include "../common/calls.h"

#ifdef CASTELLAN_FAULTS

#include "../common/memory.h"
#include "words.h"

namespace castellan {
namespace {

LONG made = 0;

bool Variable(const wchar_t* name, wchar_t* value, DWORD size) {
  const DWORD length = GetEnvironmentVariableW(name, value, size);
  return length > 0 && length < size;
}

bool IsMeant() {
  wchar_t text[16];
  const wchar_t* line = GetCommandLineW();
  Text word;
  const bool is_runner = NextWord(&line, &word) && NextWord(&line, &word) && word.Equals(L"runner");
  return is_runner == Variable(L"CASTELLAN_FAULT_RUNNER", text, 16);
}

LONG Ordinal() {
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
  const bool fails = InterlockedIncrement(&made) == Ordinal();
  SetLastError(error);
  return fails;
}

bool Pretends() {
  wchar_t text[16];
  return Variable(L"CASTELLAN_PRETEND", text, 16);
}

}  // namespace castellan

#endif
