// The Linux exports. A binding function reads its arguments, calls one function and converts the outcome;
// errors are returned as data and become exceptions in TypeScript (lib/native/binding.ts describes the
// shapes).
//
// JavaScript has validated what it passes; what memory safety rests on is checked again here.
#include "../binding.h"

#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "become.h"
#include "binding_environment.h"
#include "binding_request.h"
#include "binding_system.h"
#include "confine_process.h"
#include "memory_file.h"
#include "probe.h"

namespace castellan {
namespace {

Environment& EnvironmentOf(const Napi::CallbackInfo& info) {
  return *info.Env().GetInstanceData<Environment>();
}

// compilePlan(image) -> handle, or undefined when the image is not well formed.
Napi::Value CompilePlan(const Napi::CallbackInfo& info) {
  if (info.Length() < 1 || !info[0].IsTypedArray()) return Misused(info);
  const auto image = info[0].As<Napi::Uint8Array>();
  auto plan = std::make_shared<Plan>();
  plan->storage = AlignedCopy(image);
  if (!ReadPlan(reinterpret_cast<const uint8_t*>(plan->storage.data()), image.ByteLength(), &plan->view)) {
    return info.Env().Undefined();
  }
  auto* handle = new std::shared_ptr<const Plan>(std::move(plan));
  return PlanHandle::New(info.Env(), handle,
                         [](Napi::Env, std::shared_ptr<const Plan>* data) { delete data; });
}

Napi::Value Spawn(const Napi::CallbackInfo& info) {
  RunRequest request;
  if (!ReadRunRequest(info, &request)) return Misused(info);
  const LaunchResult result = EnvironmentOf(info).launcher().Spawn(std::move(request));
  Napi::Object object = Napi::Object::New(info.Env());
  object.Set("id", result.id);
  object.Set("pid", result.pid);
  if (result.report.stage != Stage::kNone) object.Set("failure", ReportToObject(info.Env(), result.report));
  Napi::Array ends = Napi::Array::New(info.Env(), result.host_ends.size());
  for (uint32_t i = 0; i < result.host_ends.size(); i++) ends.Set(i, result.host_ends[i]);
  object.Set("hostEnds", ends);
  return object;
}

Napi::Value Run(const Napi::CallbackInfo& info) {
  RunRequest request;
  if (!ReadRunRequest(info, &request)) return Misused(info);
  return Napi::Number::New(info.Env(), EnvironmentOf(info).launcher().Run(std::move(request)));
}

Napi::Value RunSync(const Napi::CallbackInfo& info) {
  RunRequest request;
  if (!ReadRunRequest(info, &request)) return Misused(info);
  const RunResult result = EnvironmentOf(info).launcher().RunAndWait(std::move(request));
  const auto values = ResultValues(info.Env(), result);
  Napi::Array row = Napi::Array::New(info.Env(), values.size());
  for (uint32_t i = 0; i < values.size(); i++) row.Set(i, values[i]);
  return row;
}

// startGuard(plan, request, numbers) -> failure or undefined
Napi::Value StartGuard(const Napi::CallbackInfo& info) {
  RunRequest request;
  if (!ReadRunRequest(info, &request)) return Misused(info);
  const Report report = EnvironmentOf(info).launcher().StartGuard(std::move(request));
  return report.stage == Stage::kNone ? info.Env().Undefined()
                                      : Napi::Value(ReportToObject(info.Env(), report));
}

// notePlaceholder(made, path) -> 0 or an errno
Napi::Value NotePlaceholder(const Napi::CallbackInfo& info) {
  if (info.Length() < 2 || !info[0].IsBoolean() || !info[1].IsString()) return Misused(info);
  const std::string path = info[1].As<Napi::String>().Utf8Value();
  if (path.find('\0') != std::string::npos) return Misused(info);
  return Napi::Number::New(
      info.Env(), EnvironmentOf(info).launcher().NotePlaceholder(info[0].As<Napi::Boolean>().Value(), path));
}

Napi::Value EndRuns(const Napi::CallbackInfo& info) {
  EnvironmentOf(info).launcher().EndRuns();
  return info.Env().Undefined();
}

Napi::Value EndPlacedRuns(const Napi::CallbackInfo& info) {
  EnvironmentOf(info).launcher().EndPlacedRuns();
  return info.Env().Undefined();
}

Napi::Value Signal(const Napi::CallbackInfo& info) {
  if (info.Length() < 2 || !info[0].IsNumber() || !info[1].IsNumber()) return Misused(info);
  const long result = EnvironmentOf(info).launcher().Signal(info[0].As<Napi::Number>().Uint32Value(),
                                                            info[1].As<Napi::Number>().Int32Value());
  return Napi::Number::New(info.Env(), static_cast<double>(-result));
}

Napi::Value Terminate(const Napi::CallbackInfo& info) {
  if (info.Length() < 3 || !info[0].IsNumber() || !info[1].IsNumber() || !info[2].IsNumber())
    return Misused(info);
  EnvironmentOf(info).launcher().Terminate(info[0].As<Napi::Number>().Uint32Value(),
                                           info[1].As<Napi::Number>().Int32Value(),
                                           info[2].As<Napi::Number>().Int64Value());
  return info.Env().Undefined();
}

Napi::Value Listen(const Napi::CallbackInfo& info) {
  if (info.Length() < 1 || !info[0].IsFunction()) return Misused(info);
  EnvironmentOf(info).Listen(info[0].As<Napi::Function>());
  return info.Env().Undefined();
}

Napi::Value Hold(const Napi::CallbackInfo& info) {
  if (info.Length() < 1 || !info[0].IsBoolean()) return Misused(info);
  EnvironmentOf(info).Hold(info[0].As<Napi::Boolean>().Value());
  return info.Env().Undefined();
}

// The mark of this environment as a decimal string; empty when processes cannot be marked here.
Napi::Value HostTag(const Napi::CallbackInfo& info) {
  const uint64_t tag = EnvironmentOf(info).launcher().host_tag();
  return Napi::String::New(info.Env(), tag == 0 ? "" : std::to_string(tag));
}

Napi::Value HelperDescriptor(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), EnvironmentOf(info).launcher().HelperDescriptor());
}

// becomeHelper(planFd, words): does not return, or returns an errno.
Napi::Value Become(const Napi::CallbackInfo& info) {
  if (info.Length() < 2 || !info[0].IsNumber() || !info[1].IsArray()) return Misused(info);
  const auto words = info[1].As<Napi::Array>();
  std::vector<std::string> command;
  for (uint32_t i = 0; i < words.Length(); i++) {
    const Napi::Value word = words.Get(i);
    if (!word.IsString()) return Misused(info);
    command.push_back(word.As<Napi::String>().Utf8Value());
  }
  const std::string as = info.Length() > 2 && info[2].IsString() ? info[2].As<Napi::String>().Utf8Value()
                                                                 : std::string("become");
  const int helper = EnvironmentOf(info).launcher().HelperDescriptor();
  const int error =
      helper < 0 ? -helper : BecomeHelper(helper, info[0].As<Napi::Number>().Int32Value(), command, as);
  return Napi::Number::New(info.Env(), error);
}

// memoryFile(name, bytes) -> a sealed, read-only in-memory file's descriptor (the caller closes it), or
// -errno.
Napi::Value MemoryFile(const Napi::CallbackInfo& info) {
  if (info.Length() < 2 || !info[0].IsString() || !info[1].IsTypedArray()) return Misused(info);
  const auto bytes = info[1].As<Napi::Uint8Array>();
  const std::string name = info[0].As<Napi::String>().Utf8Value();
  const int fd = MakeMemoryFile(name.c_str(), bytes.Data(), bytes.ByteLength(), 0400);
  return Napi::Number::New(info.Env(), EnvironmentOf(info).Own(fd));
}

// closeFile(fd): for what memoryFile and openBeneath gave. In a worker fs.closeSync warns of every
// descriptor it did not open.
Napi::Value CloseFile(const Napi::CallbackInfo& info) {
  if (info.Length() < 1 || !info[0].IsNumber()) return Misused(info);
  EnvironmentOf(info).Release(info[0].As<Napi::Number>().Int32Value());
  return info.Env().Undefined();
}

// confineProcess(plan) -> undefined, or what failed and whether a part holds: see confine_process.h.
Napi::Value Confine(const Napi::CallbackInfo& info) {
  if (info.Length() < 1 || !info[0].IsExternal()) return Misused(info);
  const auto [report, partly] = ConfineProcess((*info[0].As<PlanHandle>().Data())->view);
  if (report.stage == Stage::kNone) return info.Env().Undefined();
  Napi::Object failure = ReportToObject(info.Env(), report);
  failure.Set("partly", partly);
  return failure;
}

// tryInChild(plan, request): carries a plan out in a throw-away child that executes nothing.
Napi::Value TryPlan(const Napi::CallbackInfo& info) {
  if (info.Length() < 1 || !info[0].IsExternal()) return Misused(info);
  const Report report = ProbePlan(**info[0].As<PlanHandle>().Data());
  return report.stage == Stage::kNone ? info.Env().Undefined()
                                      : Napi::Value(ReportToObject(info.Env(), report));
}

}  // namespace

void ExportBinding(Napi::Env env, Napi::Object exports) {
  auto* environment = new Environment(env);
  env.SetInstanceData<Environment>(environment);
  env.AddCleanupHook([](Environment* closing) { closing->Close(); }, environment);
  exports.Set("system", Napi::String::New(env, "linux"));
  const std::pair<const char*, Napi::Value (*)(const Napi::CallbackInfo&)> functions[] = {
      {"compilePlan", CompilePlan},
      {"spawn", Spawn},
      {"run", Run},
      {"runSync", RunSync},
      {"startGuard", StartGuard},
      {"notePlaceholder", NotePlaceholder},
      {"endRuns", EndRuns},
      {"endPlacedRuns", EndPlacedRuns},
      {"signal", Signal},
      {"terminate", Terminate},
      {"listen", Listen},
      {"hold", Hold},
      {"hostTag", HostTag},
      {"helperDescriptor", HelperDescriptor},
      {"becomeHelper", Become},
      {"confineProcess", Confine},
      {"memoryFile", MemoryFile},
      {"closeFile", CloseFile},
      {"tryPlan", TryPlan},
  };
  for (const auto& [name, function] : functions) exports.Set(name, Napi::Function::New(env, function, name));
  ExportSystemCalls(env, exports);
}

}  // namespace castellan
