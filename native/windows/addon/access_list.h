// Access lists, read and changed by handle.
#ifndef CASTELLAN_WINDOWS_ACCESS_LIST_H_
#define CASTELLAN_WINDOWS_ACCESS_LIST_H_

#include <node_api.h>

namespace castellan {

napi_value ReadAcl(napi_env env, napi_callback_info info);
napi_value SetAce(napi_env env, napi_callback_info info);
napi_value RemoveAce(napi_env env, napi_callback_info info);

}  // namespace castellan

#endif  // CASTELLAN_WINDOWS_ACCESS_LIST_H_
