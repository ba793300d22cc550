// Starts a program with an administrator's rights, after the person agreed, and waits for its end.
#include "elevate.h"

#include <windows.h>
#include <shellapi.h>

#include "../common/calls.h"
#include "js.h"

namespace castellan {
namespace {

struct ElevateTask : Task {
  wchar_t* program;
  wchar_t* line;
  wchar_t* cwd;
  DWORD code;
  Outcome outcome;
};

Outcome Elevate(ElevateTask* task) {
  SHELLEXECUTEINFOW info = {};
  info.cbSize = sizeof(info);
  info.fMask = SEE_MASK_NOCLOSEPROCESS | SEE_MASK_NOASYNC | SEE_MASK_FLAG_NO_UI;
  info.lpVerb = L"runas";
  info.lpFile = task->program;
  info.lpParameters = task->line;
  info.lpDirectory = task->cwd;
  info.nShow = SW_HIDE;
  // 1223: the person said no.
  if (!CALL(FALSE, ShellExecuteExW, &info)) return FailedCall(L"ShellExecuteEx");
  if (info.hProcess == nullptr) return {L"ShellExecuteEx", ERROR_INVALID_HANDLE};
  Outcome outcome;
  if (CALL(WAIT_FAILED, WaitForSingleObject, info.hProcess, INFINITE) != WAIT_OBJECT_0) {
    outcome = FailedCall(L"WaitForSingleObject");
  } else if (!CALL(FALSE, GetExitCodeProcess, info.hProcess, &task->code)) {
    outcome = FailedCall(L"GetExitCodeProcess");
  }
  CloseHandle(info.hProcess);
  return outcome;
}

void Work(Task* given) {
  auto* task = static_cast<ElevateTask*>(given);
  task->outcome = Elevate(task);
}

napi_value Answer(Js js, Task* given) {
  auto* task = static_cast<ElevateTask*>(given);
  Release(task->program);
  Release(task->line);
  Release(task->cwd);
  return task->outcome.call == nullptr ? js.Number(task->code) : js.Failure(task->outcome);
}

wchar_t* Kept(const Text& text) {
  auto* copy = static_cast<wchar_t*>(Allocate((text.size() + 1) * sizeof(wchar_t)));
  CopyMemory(copy, text.z(), (text.size() + 1) * sizeof(wchar_t));
  return copy;
}

}  // namespace

napi_value RunElevated(napi_env env, napi_callback_info info) {
  const Js js(env);
  const Arguments arguments(env, info);
  auto* task = static_cast<ElevateTask*>(Allocate(sizeof(ElevateTask)));
  ZeroMemory(task, sizeof(ElevateTask));
  task->work = Work;
  task->answer = Answer;
  task->program = Kept(js.TextOf(arguments.values[0]));
  task->line = Kept(js.TextOf(arguments.values[1]));
  task->cwd = Kept(js.TextOf(arguments.values[2]));
  return Begin(js, task);
}

}  // namespace castellan
