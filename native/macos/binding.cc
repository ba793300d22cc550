// The macOS exports. Commands are started by the helper program (helper.cc) from a plain child process; what
// stands here is what has to be asked in this process.
#include "../binding.h"

#include <cerrno>
#include <string>
#include <utility>

#include "../file_lock.h"
#include "frame.h"
#include "seatbelt.h"

namespace castellan {
namespace {

Napi::Value OutcomeToObject(Napi::Env env, const SeatbeltOutcome& outcome) {
  if (outcome.done) return env.Undefined();
  Napi::Object object = Napi::Object::New(env);
  object.Set("errno", outcome.error);
  object.Set("message", outcome.message);
  return object;
}

// The first argument is a frame, so that it is checked by the same code as the helper's.
const char* ReadProfile(const Napi::CallbackInfo& info, Profile* profile) {
  if (info.Length() < 1 || !info[0].IsTypedArray()) return "it is not a frame";
  const Napi::Uint8Array bytes = info[0].As<Napi::Uint8Array>();
  if (bytes.ByteLength() > kHeadSize + kLargestFrame) return "it is too long";
  return ParseFrame(std::string(reinterpret_cast<const char*>(bytes.Data()), bytes.ByteLength()), profile);
}

template <SeatbeltOutcome (*Act)(const Profile&)>
Napi::Value WithProfile(const Napi::CallbackInfo& info) {
  Profile profile;
  const char* wrong = ReadProfile(info, &profile);
  return OutcomeToObject(info.Env(), wrong == nullptr ? Act(profile) : SeatbeltOutcome{false, EINVAL, wrong});
}

Napi::Value Probe(const Napi::CallbackInfo& info) {
  Napi::Object object = Napi::Object::New(info.Env());
  object.Set("seatbelt", HasSeatbelt());
  object.Set("sandboxed", IsSandboxed());
  object.Set("userCacheDirectory", UserCacheDirectory());
  return object;
}

}  // namespace

void ExportBinding(Napi::Env env, Napi::Object exports) {
  exports.Set("system", Napi::String::New(env, "darwin"));
  exports.Set("probe", Napi::Function::New(env, Probe));
  exports.Set("compileProfile", Napi::Function::New(env, WithProfile<CompileProfile>));
  exports.Set("applyToSelf", Napi::Function::New(env, WithProfile<ApplyProfile>));
  exports.Set("flock", Napi::Function::New(env, LockFile));
}

}  // namespace castellan
