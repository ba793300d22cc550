// Rules of the Windows firewall, by its COM interface (netfw.h).
#ifndef CASTELLAN_WINDOWS_FIREWALL_H_
#define CASTELLAN_WINDOWS_FIREWALL_H_

#include <node_api.h>

namespace castellan {

napi_value SetFirewallRule(napi_env env, napi_callback_info info);
napi_value ReadFirewallRule(napi_env env, napi_callback_info info);
napi_value RemoveFirewallRule(napi_env env, napi_callback_info info);
napi_value LocalFirewallRulesCount(napi_env env, napi_callback_info info);

}  // namespace castellan

#endif  // CASTELLAN_WINDOWS_FIREWALL_H_
