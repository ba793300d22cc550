// What JavaScript passes for a run.
#ifndef CASTELLAN_LINUX_BINDING_REQUEST_H_
#define CASTELLAN_LINUX_BINDING_REQUEST_H_

#include <napi.h>

#include <memory>
#include <vector>

#include "launcher.h"

namespace castellan {

using PlanHandle = Napi::External<std::shared_ptr<const Plan>>;

std::vector<uint64_t> AlignedCopy(const Napi::Uint8Array& bytes);

// False when the arguments are not those of `LinuxBinding.run` (lib/native/binding.ts).
bool ReadRunRequest(const Napi::CallbackInfo& info, RunRequest* out);

}  // namespace castellan

#endif  // CASTELLAN_LINUX_BINDING_REQUEST_H_
