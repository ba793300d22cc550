// Node-API in few words. The C interface: node-addon-api needs a C++ runtime, which this addon has not.
#ifndef CASTELLAN_WINDOWS_JS_H_
#define CASTELLAN_WINDOWS_JS_H_

#include "../common/memory.h"

#include <node_api.h>

namespace castellan {

// What a call of ours answers: a value, or which function of the system failed.
struct Outcome {
  // Null: it worked.
  const wchar_t* call = nullptr;
  DWORD win32 = 0;
};

inline Outcome FailedCall(const wchar_t* call) {
  const DWORD error = GetLastError();
  return {call, error == 0 ? static_cast<DWORD>(ERROR_GEN_FAILURE) : error};
}

class Js {
 public:
  explicit Js(napi_env env) : env_(env) {}

  napi_value Undefined() const;
  napi_value Null() const;
  napi_value String(const wchar_t* text) const;
  napi_value Number(double number) const;
  napi_value Bool(bool value) const;
  napi_value Object() const;
  napi_value Array() const;
  napi_value Copy(const void* bytes, size_t size) const;
  // `{ failure: { call, win32 } }`
  napi_value Failure(const Outcome& outcome) const;

  void Set(napi_value object, const char* name, napi_value value) const;
  void SetAt(napi_value array, size_t index, napi_value value) const;

  // Values of another kind give nothing: an empty text, zero, false.
  Text TextOf(napi_value value) const;
  double NumberOf(napi_value value) const;
  bool BoolOf(napi_value value) const;
  Bytes BytesOf(napi_value value) const;
  napi_value Member(napi_value object, const char* name) const;

  napi_env env() const { return env_; }

 private:
  napi_env env_;
};

// The arguments of a call, as many as were asked for.
struct Arguments {
  napi_value values[4];
  Arguments(napi_env env, napi_callback_info info);
};

// Work on a thread of Node's, and a promise of its answer. A task is made on the heap by `Begin` and freed
// after its answer; what it keeps must be freed by `Answer`.
struct Task {
  void (*work)(Task* task) = nullptr;
  napi_value (*answer)(Js js, Task* task) = nullptr;
  napi_async_work handle = nullptr;
  napi_deferred promise = nullptr;
};

// Takes the memory of the task over.
napi_value Begin(Js js, Task* task);

}  // namespace castellan

#endif  // CASTELLAN_WINDOWS_JS_H_
