#include "binding_system.h"

#include <sys/resource.h>

#include <string>
#include <utility>
#include <vector>

#include "../file_lock.h"
#include "../unique_fd.h"
#include "beneath.h"
#include "binding_environment.h"
#include "environment_stamp.h"
#include "handover.h"
#include "path_stamps.h"
#include "probe.h"

namespace castellan {

Napi::Value Misused(const Napi::CallbackInfo& info) {
  Napi::TypeError::New(info.Env(), "castellan: wrong arguments to a native call")
      .ThrowAsJavaScriptException();
  return info.Env().Undefined();
}

namespace {

// makeHandover() -> [own, other], or an errno.
Napi::Value Handover(const Napi::CallbackInfo& info) {
  int own = -1, other = -1;
  const int error = MakeHandover(&own, &other);
  if (error != 0) return Napi::Number::New(info.Env(), error);
  Napi::Array pair = Napi::Array::New(info.Env(), 2);
  pair.Set(0u, own);
  pair.Set(1u, other);
  return pair;
}

// takeDescriptors(socket, count, timeout) -> descriptors, or an errno.
Napi::Value Take(const Napi::CallbackInfo& info) {
  if (info.Length() < 3 || !info[0].IsNumber() || !info[1].IsNumber() || !info[2].IsNumber())
    return Misused(info);
  std::vector<int> taken;
  const int error =
      TakeDescriptors(info[0].As<Napi::Number>().Int32Value(), info[1].As<Napi::Number>().Uint32Value(),
                      info[2].As<Napi::Number>().Int32Value(), &taken);
  if (error != 0) {
    for (const int fd : taken) UniqueFd closing(fd);
    return Napi::Number::New(info.Env(), error);
  }
  Napi::Array descriptors = Napi::Array::New(info.Env(), taken.size());
  for (uint32_t i = 0; i < taken.size(); i++) descriptors.Set(i, taken[i]);
  return descriptors;
}

// openBeneath(path) -> a descriptor (the caller closes it with closeFile), or -errno.
Napi::Value OpenBeneath(const Napi::CallbackInfo& info) {
  if (info.Length() < 1 || !info[0].IsString()) return Misused(info);
  const std::string path = info[0].As<Napi::String>().Utf8Value();
  if (path.empty() || path[0] != '/' || path.find('\0') != std::string::npos) return Misused(info);
  return Napi::Number::New(info.Env(), OpenDirectoryBeneathRoot(path.c_str()));
}

// stampPaths(paths) -> a handle for pathsUnchanged.
Napi::Value StampPaths(const Napi::CallbackInfo& info) {
  if (info.Length() < 1 || !info[0].IsArray()) return Misused(info);
  const auto list = info[0].As<Napi::Array>();
  std::vector<std::string> paths(list.Length());
  for (uint32_t i = 0; i < paths.size(); i++) {
    const Napi::Value path = list.Get(i);
    if (!path.IsString()) return Misused(info);
    paths[i] = path.As<Napi::String>().Utf8Value();
  }
  auto* handle = new std::shared_ptr<const PathStamps>(std::make_shared<PathStamps>(std::move(paths)));
  return StampsHandle::New(info.Env(), handle,
                           [](Napi::Env, std::shared_ptr<const PathStamps>* stamps) { delete stamps; });
}

// pathsUnchanged(handle) -> boolean
Napi::Value PathsUnchanged(const Napi::CallbackInfo& info) {
  if (info.Length() < 1 || !info[0].IsExternal()) return Misused(info);
  return Napi::Boolean::New(info.Env(), (*info[0].As<StampsHandle>().Data())->Unchanged());
}

using EnvironmentHandle = Napi::External<EnvironmentStamp>;

// stampEnvironment() -> a handle for environmentUnchanged.
Napi::Value StampEnvironment(const Napi::CallbackInfo& info) {
  return EnvironmentHandle::New(info.Env(), new EnvironmentStamp(),
                                [](Napi::Env, EnvironmentStamp* stamp) { delete stamp; });
}

// environmentUnchanged(handle) -> boolean
Napi::Value EnvironmentUnchanged(const Napi::CallbackInfo& info) {
  if (info.Length() < 1 || !info[0].IsExternal()) return Misused(info);
  return Napi::Boolean::New(info.Env(), info[0].As<EnvironmentHandle>().Data()->Unchanged());
}

Napi::Value LandlockAbi(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(ProbeLandlockAbi()));
}

#if defined(CASTELLAN_FAULTS)
// setSoftLimit(resource, value), for faults.h.
Napi::Value SetSoftLimit(const Napi::CallbackInfo& info) {
  const int resource = info[0].As<Napi::Number>().Int32Value();
  rlimit limit;
  getrlimit(static_cast<__rlimit_resource_t>(resource), &limit);
  limit.rlim_cur = static_cast<rlim_t>(info[1].As<Napi::Number>().Int64Value());
  return Napi::Number::New(info.Env(), setrlimit(static_cast<__rlimit_resource_t>(resource), &limit));
}
#endif

}  // namespace

void ExportSystemCalls(Napi::Env env, Napi::Object exports) {
  const std::pair<const char*, Napi::Value (*)(const Napi::CallbackInfo&)> functions[] = {
    {"makeHandover", Handover},
    {"takeDescriptors", Take},
    {"openBeneath", OpenBeneath},
    {"stampPaths", StampPaths},
    {"pathsUnchanged", PathsUnchanged},
    {"stampEnvironment", StampEnvironment},
    {"environmentUnchanged", EnvironmentUnchanged},
    {"landlockAbi", LandlockAbi},
    {"flock", LockFile},
#if defined(CASTELLAN_FAULTS)
    {"setSoftLimit", SetSoftLimit},
#endif
  };
  for (const auto& [name, function] : functions) exports.Set(name, Napi::Function::New(env, function, name));
}

}  // namespace castellan
