// See binding_environment.h.
#include "binding_environment.h"

#include <utility>

namespace castellan {
namespace {

Napi::Value BytesToBuffer(Napi::Env env, const std::vector<uint8_t>& bytes) {
  return Napi::Buffer<uint8_t>::Copy(env, bytes.data(), bytes.size());
}

// A call that needs what calling a function needs, and does nothing.
bool CanRunJavaScript(Napi::Env env) {
  const Napi::HandleScope scope(env);
  napi_value object;
  return napi_create_object(env, &object) == napi_ok &&
         napi_set_named_property(env, object, "called", object) == napi_ok;
}

}  // namespace

Napi::Object ReportToObject(Napi::Env env, const Report& report) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("stage", static_cast<int32_t>(report.stage));
  object.Set("errno", report.error);
  object.Set("index", report.index);
  return object;
}

Napi::Object ResultToObject(Napi::Env env, const RunResult& result) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("id", result.id);
  object.Set("pid", result.pid);
  if (result.report.stage != Stage::kNone) object.Set("failure", ReportToObject(env, result.report));
  object.Set("exitCode", result.exit_code);
  object.Set("signal", result.signal);
  object.Set("timedOut", result.timed_out);
  object.Set("limit", static_cast<int32_t>(result.limit));
  object.Set("exitUnknown", result.exit_unknown);
  object.Set("stdoutTruncated", result.stdout_truncated);
  object.Set("stderrTruncated", result.stderr_truncated);
  object.Set("stdout", BytesToBuffer(env, result.output));
  object.Set("stderr", BytesToBuffer(env, result.errors));
  if (!result.reported.empty()) object.Set("reported", BytesToBuffer(env, result.reported));
  return object;
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
  if (env != nullptr && listener != nullptr && CanRunJavaScript(env)) {
    Napi::HandleScope scope(env);
    Napi::Array results = Napi::Array::New(env, batch->size());
    for (uint32_t i = 0; i < batch->size(); i++) results.Set(i, ResultToObject(env, (*batch)[i]));
    listener.Call({results});
  }
  delete batch;
}

}  // namespace castellan
