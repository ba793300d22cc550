// See binding_environment.h.
#include "binding_environment.h"

#include <utility>

namespace castellan {
namespace {

// Undefined when there are none.
napi_value BytesToBuffer(Napi::Env env, const std::vector<uint8_t>& bytes) {
  if (bytes.empty()) return env.Undefined();
  return Napi::Buffer<uint8_t>::Copy(env, bytes.data(), bytes.size());
}

// A call that needs what calling a function needs, and does nothing.
bool CanRunJavaScript(Napi::Env env, Napi::Function listener) {
  bool same = false;
  return napi_strict_equals(env, listener, listener, &same) == napi_ok;
}

}  // namespace

Napi::Object ReportToObject(Napi::Env env, const Report& report) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("stage", static_cast<int32_t>(report.stage));
  object.Set("errno", report.error);
  object.Set("index", report.index);
  return object;
}

std::array<napi_value, kResultValues> ResultValues(Napi::Env env, const RunResult& result) {
  const int flags = (result.timed_out ? 1 : 0) | (result.exit_unknown ? 2 : 0) |
                    (result.stdout_truncated ? 4 : 0) | (result.stderr_truncated ? 8 : 0);
  const auto number = [&](double value) -> napi_value { return Napi::Number::New(env, value); };
  return {number(result.id),
          number(result.pid),
          number(result.exit_code),
          number(result.signal),
          number(flags),
          number(static_cast<int32_t>(result.limit)),
          BytesToBuffer(env, result.output),
          BytesToBuffer(env, result.errors),
          BytesToBuffer(env, result.reported),
          number(static_cast<int32_t>(result.report.stage)),
          number(result.report.error),
          number(result.report.index)};
}

Launcher& Environment::launcher() {
  if (!launcher_) {
    launcher_ = std::make_unique<Launcher>([this](std::vector<RunResult>&& results) {
      auto* batch = new std::vector<RunResult>(std::move(results));
      if (deliver_.NonBlockingCall(batch, Deliver) != napi_ok) delete batch;
    });
  }
  return *launcher_;
}

void Environment::Listen(Napi::Function listener) {
  if (deliver_) return;
  deliver_ = Napi::ThreadSafeFunction::New(env_, listener, "castellan", 0, 1);
  deliver_.Unref(env_);
}

void Environment::Hold(bool hold) {
  if (hold)
    deliver_.Ref(env_);
  else
    deliver_.Unref(env_);
}

void Environment::Close() {
  launcher_.reset();
  owned_.clear();
  if (deliver_) deliver_.Abort();
}

void Environment::Deliver(Napi::Env env, Napi::Function listener, std::vector<RunResult>* batch) {
  // At the end of the environment results still arrive, with no JavaScript left that could be called.
  if (env != nullptr && listener != nullptr) {
    for (const RunResult& result : *batch) {
      if (!CanRunJavaScript(env, listener)) break;
      const Napi::HandleScope scope(env);
      const auto values = ResultValues(env, result);
      listener.Call(values.size(), values.data());
      // What a listener of the host threw is its own; the other results are told all the same.
      if (env.IsExceptionPending()) napi_fatal_exception(env, env.GetAndClearPendingException().Value());
    }
  }
  delete batch;
}

}  // namespace castellan
