#ifndef CASTELLAN_WINDOWS_ELEVATE_H_
#define CASTELLAN_WINDOWS_ELEVATE_H_

#include <node_api.h>

namespace castellan {

napi_value RunElevated(napi_env env, napi_callback_info info);

}  // namespace castellan

#endif  // CASTELLAN_WINDOWS_ELEVATE_H_
