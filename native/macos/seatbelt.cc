#include "seatbelt.h"

#include <cerrno>
#include <cstdint>
#include <dlfcn.h>
#include <unistd.h>
#include <vector>

namespace castellan {
namespace {

using InitWithParameters = int (*)(const char* profile, uint64_t flags, const char* const parameters[],
                                   char** error);
using FreeError = void (*)(char* error);
using Check = int (*)(pid_t pid, const char* operation, int type, ...);
using CreateParameters = void* (*)();
using SetParameter = int (*)(void* parameters, const char* key, const char* value);
using FreeParameters = void (*)(void* parameters);
using CompileString = void* (*)(const char* text, void* parameters, char** error);
using FreeProfile = void (*)(void* profile);

template <typename Function>
Function Find(const char* name) {
  void* found = dlsym(RTLD_DEFAULT, name);
  if (found == nullptr) {
    // The compiler lives in a library of its own, which stays loaded.
    static const char* const kLibrary = "/usr/lib/libsandbox.1.dylib";
    void* library = dlopen(kLibrary, RTLD_LAZY | RTLD_LOCAL);
    if (library != nullptr) found = dlsym(library, name);
  }
  return reinterpret_cast<Function>(found);
}

SeatbeltOutcome Missing(const char* name) {
  return {false, ENOSYS, std::string(name) + " is not there"};
}

// Takes the message over and frees it.
SeatbeltOutcome Failed(int error, char* message) {
  SeatbeltOutcome outcome{false, error, message == nullptr ? "no reason was given" : message};
  if (message != nullptr) {
    if (auto free_error = Find<FreeError>("sandbox_free_error")) free_error(message);
  }
  return outcome;
}

}  // namespace

SeatbeltOutcome ApplyProfile(const Profile& profile) {
  const auto init = Find<InitWithParameters>("sandbox_init_with_parameters");
  if (init == nullptr) return Missing("sandbox_init_with_parameters");
  std::vector<const char*> parameters;
  for (const std::string& text : profile.parameters) parameters.push_back(text.c_str());
  parameters.push_back(nullptr);
  char* message = nullptr;
  errno = 0;
  if (init(profile.text.c_str(), 0, parameters.data(), &message) == 0) {
    // Where the system can be asked whether it did what it says, it is.
    const auto check = Find<Check>("sandbox_check");
    if (check == nullptr || check(getpid(), nullptr, 0) != 0) return {true, 0, ""};
    return {false, EINVAL, "the profile was taken, and this process is not confined"};
  }
  const int error = errno == 0 ? EINVAL : errno;
  return Failed(error, message);
}

SeatbeltOutcome CompileProfile(const Profile& profile) {
  const auto create = Find<CreateParameters>("sandbox_create_params");
  const auto set = Find<SetParameter>("sandbox_set_param");
  const auto free_parameters = Find<FreeParameters>("sandbox_free_params");
  const auto compile = Find<CompileString>("sandbox_compile_string");
  const auto free_profile = Find<FreeProfile>("sandbox_free_profile");
  if (create == nullptr || set == nullptr || free_parameters == nullptr || compile == nullptr ||
      free_profile == nullptr) {
    return Missing("sandbox_compile_string");
  }
  void* parameters = create();
  if (parameters == nullptr) return {false, ENOMEM, "no memory for parameters"};
  for (size_t index = 0; index + 1 < profile.parameters.size(); index += 2) {
    if (set(parameters, profile.parameters[index].c_str(), profile.parameters[index + 1].c_str()) == 0)
      continue;
    free_parameters(parameters);
    return {false, EINVAL, "the parameter " + profile.parameters[index] + " was not taken"};
  }
  char* message = nullptr;
  void* compiled = compile(profile.text.c_str(), parameters, &message);
  free_parameters(parameters);
  if (compiled == nullptr) return Failed(EINVAL, message);
  free_profile(compiled);
  return {true, 0, ""};
}

bool IsSandboxed() {
  const auto check = Find<Check>("sandbox_check");
  return check != nullptr && check(getpid(), nullptr, 0) != 0;
}

bool HasSeatbelt() {
  return Find<InitWithParameters>("sandbox_init_with_parameters") != nullptr;
}

std::string UserCacheDirectory() {
  char path[1024];
  const size_t length = confstr(_CS_DARWIN_USER_CACHE_DIR, path, sizeof(path));
  return length == 0 || length > sizeof(path) ? "" : std::string(path);
}

}  // namespace castellan
