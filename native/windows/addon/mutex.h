#ifndef CASTELLAN_WINDOWS_MUTEX_H_
#define CASTELLAN_WINDOWS_MUTEX_H_

#include <node_api.h>

namespace castellan {

napi_value LockMutex(napi_env env, napi_callback_info info);
napi_value UnlockMutex(napi_env env, napi_callback_info info);

}  // namespace castellan

#endif  // CASTELLAN_WINDOWS_MUTEX_H_
