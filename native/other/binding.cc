// Systems whose folder has no native code: the addon loads, and says that it offers nothing.
#include "../binding.h"

namespace castellan {

void ExportBinding(Napi::Env env, Napi::Object exports) {
  exports.Set("system", Napi::String::New(env, "other"));
}

}  // namespace castellan
