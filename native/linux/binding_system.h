// The exports that need no launcher: each is a few system calls for the host's own process.
#ifndef CASTELLAN_BINDING_SYSTEM_H_
#define CASTELLAN_BINDING_SYSTEM_H_

#include <napi.h>

namespace castellan {

// Throws TypeError; what the caller returns then.
Napi::Value Misused(const Napi::CallbackInfo& info);

void ExportSystemCalls(Napi::Env env, Napi::Object exports);

}  // namespace castellan

#endif  // CASTELLAN_BINDING_SYSTEM_H_
