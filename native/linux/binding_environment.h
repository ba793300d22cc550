// What belongs to one environment of Node.js, and what a finished run is to JavaScript.
#ifndef CASTELLAN_LINUX_BINDING_ENVIRONMENT_H_
#define CASTELLAN_LINUX_BINDING_ENVIRONMENT_H_

#include <napi.h>

#include <array>
#include <memory>
#include <unordered_map>
#include <vector>

#include "launcher.h"
#include "path_stamps.h"

namespace castellan {

// { stage, errno, index }
Napi::Object ReportToObject(Napi::Env env, const Report& report);

// In the order of `ResultValues` in lib/native/run-result.ts.
constexpr size_t kResultValues = 12;
std::array<napi_value, kResultValues> ResultValues(Napi::Env env, const RunResult& result);

using StampsHandle = Napi::External<std::shared_ptr<const PathStamps>>;

// What belongs to one environment (the main thread or a worker): gone when the environment goes.
class Environment {
 public:
  explicit Environment(Napi::Env env) : env_(env) {}

  // Made when it is first asked for.
  Launcher& launcher();

  // Once; the listener gets the values of each result.
  void Listen(Napi::Function listener);

  // Whether running commands keep the event loop alive.
  void Hold(bool hold);

  // A descriptor that JavaScript is to close with Release. A worker thread that is terminated does not come
  // to that.
  int Own(int fd) {
    if (fd >= 0) owned_.emplace(fd, fd);
    return fd;
  }

  void Release(int fd) {
    if (owned_.erase(fd) == 0) const UniqueFd closing(fd);
  }

  void Close();

 private:
  static void Deliver(Napi::Env env, Napi::Function listener, std::vector<RunResult>* batch);

  Napi::Env env_;
  std::unique_ptr<Launcher> launcher_;
  std::unordered_map<int, UniqueFd> owned_;
  Napi::ThreadSafeFunction deliver_;
};

}  // namespace castellan

#endif  // CASTELLAN_LINUX_BINDING_ENVIRONMENT_H_
