#ifndef CASTELLAN_WINDOWS_ACCOUNTS_H_
#define CASTELLAN_WINDOWS_ACCOUNTS_H_

#include <node_api.h>

namespace castellan {

napi_value MakeGroup(napi_env env, napi_callback_info info);
napi_value MakeAccount(napi_env env, napi_callback_info info);
napi_value RemoveAccount(napi_env env, napi_callback_info info);
napi_value RemoveGroup(napi_env env, napi_callback_info info);
napi_value HideAccount(napi_env env, napi_callback_info info);
napi_value SidOfAccount(napi_env env, napi_callback_info info);
// profileOfAccount(sid): its directory, or null before the account has logged on.
napi_value ProfileOfAccount(napi_env env, napi_callback_info info);

}  // namespace castellan

#endif  // CASTELLAN_WINDOWS_ACCOUNTS_H_
