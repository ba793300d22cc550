// Named mutexes. One belongs to the thread that took it, so each lock has a thread of its own, which does
// nothing but wait for the word to let go. When this process goes away Windows tells the next one that it was
// abandoned.
#include "mutex.h"

#include "js.h"

namespace castellan {
namespace {

struct Lock {
  Lock* next;
  DWORD id;
  DWORD timeout;
  DWORD result;
  HANDLE mutex;
  HANDLE settled;
  HANDLE release;
  HANDLE thread;
};

SRWLOCK guard = SRWLOCK_INIT;
Lock* held = nullptr;
DWORD last_id = 0;

DWORD WINAPI Hold(void* given) {
  auto* lock = static_cast<Lock*>(given);
  const DWORD result = WaitForSingleObject(lock->mutex, lock->timeout);
  lock->result = result;
  SetEvent(lock->settled);
  if (result == WAIT_OBJECT_0 || result == WAIT_ABANDONED) {
    WaitForSingleObject(lock->release, INFINITE);
    ReleaseMutex(lock->mutex);
  }
  return 0;
}

void Drop(Lock* lock) {
  if (lock->thread != nullptr) {
    WaitForSingleObject(lock->thread, INFINITE);
    CloseHandle(lock->thread);
  }
  if (lock->mutex != nullptr) CloseHandle(lock->mutex);
  if (lock->settled != nullptr) CloseHandle(lock->settled);
  if (lock->release != nullptr) CloseHandle(lock->release);
  Release(lock);
}

struct LockTask : Task {
  wchar_t* name;
  DWORD timeout;
  DWORD result;
  DWORD id;
  Outcome outcome;
};

Outcome Take(LockTask* task) {
  auto* lock = static_cast<Lock*>(Allocate(sizeof(Lock)));
  *lock = {};
  lock->timeout = task->timeout;
  lock->mutex = CreateMutexW(nullptr, FALSE, task->name);
  Outcome outcome;
  if (lock->mutex == nullptr) outcome = FailedCall(L"CreateMutex");
  if (outcome.call == nullptr) {
    lock->settled = CreateEventW(nullptr, TRUE, FALSE, nullptr);
    lock->release = CreateEventW(nullptr, TRUE, FALSE, nullptr);
    if (lock->settled == nullptr || lock->release == nullptr) outcome = FailedCall(L"CreateEvent");
  }
  if (outcome.call == nullptr) {
    lock->thread = CreateThread(nullptr, 0, Hold, lock, 0, nullptr);
    if (lock->thread == nullptr) outcome = FailedCall(L"CreateThread");
  }
  if (outcome.call != nullptr) {
    Drop(lock);
    return outcome;
  }
  WaitForSingleObject(lock->settled, INFINITE);
  task->result = lock->result;
  if (lock->result != WAIT_OBJECT_0 && lock->result != WAIT_ABANDONED) {
    Drop(lock);
    return {};
  }
  AcquireSRWLockExclusive(&guard);
  lock->id = ++last_id;
  lock->next = held;
  held = lock;
  ReleaseSRWLockExclusive(&guard);
  task->id = lock->id;
  return {};
}

void Work(Task* given) {
  auto* task = static_cast<LockTask*>(given);
  task->outcome = Take(task);
  if (task->outcome.call == nullptr && task->result == WAIT_FAILED) {
    task->outcome = {L"WaitForSingleObject", ERROR_INVALID_HANDLE};
  }
}

napi_value Answer(Js js, Task* given) {
  auto* task = static_cast<LockTask*>(given);
  Release(task->name);
  if (task->outcome.call != nullptr) return js.Failure(task->outcome);
  const napi_value answer = js.Object();
  const wchar_t* state = task->result == WAIT_OBJECT_0    ? L"acquired"
                         : task->result == WAIT_ABANDONED ? L"abandoned"
                                                          : L"timeout";
  js.Set(answer, "state", js.String(state));
  js.Set(answer, "id", js.Number(task->id));
  return answer;
}

}  // namespace

napi_value LockMutex(napi_env env, napi_callback_info info) {
  const Js js(env);
  const Arguments arguments(env, info);
  auto* task = static_cast<LockTask*>(Allocate(sizeof(LockTask)));
  *task = LockTask();
  task->work = Work;
  task->answer = Answer;
  const Text name = js.TextOf(arguments.values[0]);
  task->name = static_cast<wchar_t*>(Allocate((name.size() + 1) * sizeof(wchar_t)));
  CopyMemory(task->name, name.z(), (name.size() + 1) * sizeof(wchar_t));
  const double timeout = js.NumberOf(arguments.values[1]);
  task->timeout = timeout > 0 && timeout < 0x7fffffff ? static_cast<DWORD>(timeout) : 0;
  return Begin(js, task);
}

napi_value UnlockMutex(napi_env env, napi_callback_info info) {
  const Js js(env);
  const Arguments arguments(env, info);
  const auto id = static_cast<DWORD>(js.NumberOf(arguments.values[0]));
  Lock* found = nullptr;
  AcquireSRWLockExclusive(&guard);
  for (Lock** place = &held; *place != nullptr; place = &(*place)->next) {
    if ((*place)->id != id) continue;
    found = *place;
    *place = found->next;
    break;
  }
  ReleaseSRWLockExclusive(&guard);
  if (found != nullptr) {
    SetEvent(found->release);
    Drop(found);
  }
  return js.Undefined();
}

}  // namespace castellan
