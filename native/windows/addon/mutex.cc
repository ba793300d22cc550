// Named mutexes. One belongs to the thread that took it, so each lock has a thread of its own, which does
// nothing but wait for the word to let go. When this process goes away Windows tells the next one that it was
// abandoned.
#include "mutex.h"

#include "../common/calls.h"
#include "js.h"

namespace castellan {
namespace {

struct Lock {
  Lock* next;
  DWORD id;
  DWORD timeout;
  // WAIT_FAILED until the mutex was waited for.
  DWORD result;
  DWORD error;
  HANDLE mutex;
  HANDLE settled;
  HANDLE release;
  HANDLE thread;
};

SRWLOCK guard = SRWLOCK_INIT;
Lock* held = nullptr;
DWORD last_id = 0;

bool IsHeld(DWORD result) {
  return result == WAIT_OBJECT_0 || result == WAIT_ABANDONED;
}

// Whoever waits for `settled` also sees the end of this thread: a lock that cannot be told of is let go.
DWORD WINAPI Hold(void* given) {
  auto* lock = static_cast<Lock*>(given);
  lock->result = CALL(WAIT_FAILED, WaitForSingleObject, lock->mutex, lock->timeout);
  if (!IsHeld(lock->result)) {
    if (lock->result == WAIT_FAILED) lock->error = GetLastError();
    SetEvent(lock->settled);
    return 0;
  }
  if (!CALL(FALSE, SetEvent, lock->settled)) {
    lock->error = GetLastError();
    lock->result = WAIT_FAILED;
  } else {
    // Let go too early, somebody else would change the same lists at the same time.
    while (CALL(WAIT_FAILED, WaitForSingleObject, lock->release, INFINITE) != WAIT_OBJECT_0) Sleep(10);
  }
  ReleaseMutex(lock->mutex);
  return 0;
}

// To be called when its thread has ended, or will end at once.
void Drop(Lock* lock) {
  if (lock->thread != nullptr) {
    // The thread may still look at what it was given: that is then left to it.
    if (CALL(WAIT_FAILED, WaitForSingleObject, lock->thread, INFINITE) != WAIT_OBJECT_0) return;
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
  lock->result = WAIT_FAILED;
  lock->mutex = CALL(nullptr, CreateMutexW, nullptr, FALSE, task->name);
  Outcome outcome;
  if (lock->mutex == nullptr) outcome = FailedCall(L"CreateMutex");
  if (outcome.call == nullptr) {
    lock->settled = CALL(nullptr, CreateEventW, nullptr, TRUE, FALSE, nullptr);
    if (lock->settled != nullptr) lock->release = CALL(nullptr, CreateEventW, nullptr, TRUE, FALSE, nullptr);
    if (lock->release == nullptr) outcome = FailedCall(L"CreateEvent");
  }
  if (outcome.call == nullptr) {
    lock->thread = CALL(nullptr, CreateThread, nullptr, 0, Hold, lock, 0, nullptr);
    if (lock->thread == nullptr) outcome = FailedCall(L"CreateThread");
  }
  if (outcome.call != nullptr) {
    Drop(lock);
    return outcome;
  }
  const HANDLE either[] = {lock->settled, lock->thread};
  const DWORD waited = CALL(WAIT_FAILED, WaitForMultipleObjects, 2, either, FALSE, INFINITE);
  if (waited == WAIT_FAILED) {
    outcome = FailedCall(L"WaitForMultipleObjects");
    // What it may hold is let go as soon as it has it.
    SetEvent(lock->release);
    Drop(lock);
    return outcome;
  }
  task->result = lock->result;
  if (!IsHeld(lock->result)) {
    if (lock->result == WAIT_FAILED) outcome = {L"WaitForSingleObject", lock->error};
    Drop(lock);
    return outcome;
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
  // Where the word cannot be said it stays held, by a thread that this process ends with.
  if (found != nullptr && CALL(FALSE, SetEvent, found->release)) Drop(found);
  return js.Undefined();
}

}  // namespace castellan
