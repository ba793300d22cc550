// A rule of ours blocks what one account sends out. It is changed in its place where there is one already, so
// that at no time the account is held by less; every property is set, because somebody may have changed any.
#include "firewall.h"

#include <windows.h>
// Needs the one before it.
#include <netfw.h>
#include <oleauto.h>

#include "../common/calls.h"
#include "js.h"

namespace castellan {
namespace {

constexpr GUID kPolicyClass = {0xe2b3c97f, 0x6ae1, 0x41ac, {0x81, 0x7a, 0xf6, 0xf9, 0x21, 0x66, 0xd7, 0xdd}};
constexpr GUID kPolicy2 = {0x98325047, 0xc671, 0x4174, {0x8d, 0x81, 0xde, 0xfc, 0xd3, 0xf0, 0x31, 0x86}};
constexpr GUID kRuleClass = {0x2c5bc43e, 0x3369, 0x4c33, {0xab, 0x0c, 0xbe, 0x94, 0x69, 0x67, 0x7a, 0xf4}};
constexpr GUID kRule3 = {0xb21563ff, 0xd696, 0x4222, {0xab, 0x46, 0x4e, 0x89, 0xb7, 0x3a, 0xb3, 0x4a}};

constexpr long kAnyProtocol = 256;
constexpr long kAllProfiles = NET_FW_PROFILE2_ALL;
constexpr HRESULT kNotFound = static_cast<HRESULT>(0x80070002);
// More than anybody makes by accident; then something is wrong.
constexpr int kMostOfOneName = 64;

template <typename Interface>
class Com {
 public:
  Com() = default;
  ~Com() {
    if (held_ != nullptr) held_->Release();
  }
  Com(const Com&) = delete;
  Com& operator=(const Com&) = delete;
  Interface* operator->() const { return held_; }
  Interface* get() const { return held_; }
  Interface** put() { return &held_; }
  void** put_void() { return reinterpret_cast<void**>(&held_); }

 private:
  Interface* held_ = nullptr;
};

// A text of COM.
class Bstr {
 public:
  Bstr() = default;
  explicit Bstr(const wchar_t* text) : text_(SysAllocString(text)) {}
  ~Bstr() { SysFreeString(text_); }
  Bstr(const Bstr&) = delete;
  Bstr& operator=(const Bstr&) = delete;
  BSTR get() const { return text_; }
  BSTR* put() { return &text_; }
  const wchar_t* z() const { return text_ == nullptr ? L"" : text_; }
  bool IsAll() const { return z()[0] == 0 || SameText(z(), L"*"); }

 private:
  BSTR text_ = nullptr;
};

// Each task has a thread of the pool for itself while it works.
class Apartment {
 public:
  Apartment() : result_(CALL(E_FAIL, CoInitializeEx, nullptr, COINIT_MULTITHREADED)) {}
  ~Apartment() {
    if (SUCCEEDED(result_)) CoUninitialize();
  }
  Apartment(const Apartment&) = delete;
  Apartment& operator=(const Apartment&) = delete;
  HRESULT result() const { return result_; }

 private:
  HRESULT result_;
};

struct Rule {
  Text name;
  long protocol = 0;
  Text remote_addresses;
  bool all_ports = true;
  Text remote_ports;
  Text local_users;
  // Enabled, outbound, blocking, in every profile, for every program and interface.
  bool is_whole = false;
};

enum class Act { kSet, kRead, kRemove, kCount };

struct FirewallTask : Task {
  Act act;
  Rule* rule;
  // Whether there is one; whether rules count.
  bool holds;
  Outcome outcome;
};

Outcome Failed(const wchar_t* call, HRESULT result) {
  return {call, static_cast<DWORD>(result)};
}

Outcome OpenPolicy(INetFwPolicy2** policy) {
  const HRESULT result = CALL(E_FAIL, CoCreateInstance, kPolicyClass, nullptr, CLSCTX_INPROC_SERVER, kPolicy2,
                              reinterpret_cast<void**>(policy));
  return SUCCEEDED(result) ? Outcome() : Failed(L"INetFwPolicy2", result);
}

// `rule` stays null when there is none of this name.
Outcome Find(INetFwRules* rules, const Text& name, INetFwRule3** rule) {
  const Bstr key(name.z());
  Com<INetFwRule> found;
  HRESULT result = ASK(E_FAIL, "Item", rules->Item(key.get(), found.put()));
  if (result == kNotFound) return {};
  if (SUCCEEDED(result) && found.get() == nullptr) result = E_POINTER;
  if (SUCCEEDED(result))
    result = ASK(E_FAIL, "QueryInterface", found->QueryInterface(kRule3, reinterpret_cast<void**>(rule)));
  return SUCCEEDED(result) ? Outcome() : Failed(L"INetFwRules::Item", result);
}

// Ports belong to a protocol, and are not to be had for all of them.
Outcome Fill(INetFwRule3* rule, const Rule& wanted) {
  const Bstr name(wanted.name.z());
  const Bstr all(L"*");
  const Bstr addresses(wanted.remote_addresses.z());
  const Bstr ports(wanted.all_ports ? L"*" : wanted.remote_ports.z());
  const Bstr users(wanted.local_users.z());
  const Bstr kinds(L"All");
  const bool has_ports = wanted.protocol != kAnyProtocol;
  HRESULT result = ASK(E_FAIL, "put_Name", rule->put_Name(name.get()));
  if (SUCCEEDED(result)) result = ASK(E_FAIL, "put_Direction", rule->put_Direction(NET_FW_RULE_DIR_OUT));
  if (SUCCEEDED(result)) result = ASK(E_FAIL, "put_Action", rule->put_Action(NET_FW_ACTION_BLOCK));
  if (SUCCEEDED(result)) result = ASK(E_FAIL, "put_Profiles", rule->put_Profiles(kAllProfiles));
  if (SUCCEEDED(result)) result = ASK(E_FAIL, "put_InterfaceTypes", rule->put_InterfaceTypes(kinds.get()));
  if (SUCCEEDED(result)) result = ASK(E_FAIL, "put_Protocol", rule->put_Protocol(wanted.protocol));
  if (SUCCEEDED(result) && has_ports) result = ASK(E_FAIL, "put_LocalPorts", rule->put_LocalPorts(all.get()));
  if (SUCCEEDED(result) && has_ports)
    result = ASK(E_FAIL, "put_RemotePorts", rule->put_RemotePorts(ports.get()));
  if (SUCCEEDED(result)) result = ASK(E_FAIL, "put_LocalAddresses", rule->put_LocalAddresses(all.get()));
  if (SUCCEEDED(result))
    result = ASK(E_FAIL, "put_RemoteAddresses", rule->put_RemoteAddresses(addresses.get()));
  if (SUCCEEDED(result))
    result = ASK(E_FAIL, "put_LocalUserAuthorizedList", rule->put_LocalUserAuthorizedList(users.get()));
  if (SUCCEEDED(result)) result = ASK(E_FAIL, "put_Enabled", rule->put_Enabled(VARIANT_TRUE));
  return SUCCEEDED(result) ? Outcome() : Failed(L"INetFwRule3", result);
}

Outcome Set(INetFwRules* rules, const Rule& wanted) {
  // A rule for nobody is a rule for everybody.
  if (wanted.name.empty() || wanted.remote_addresses.empty() || wanted.local_users.empty()) {
    return {L"INetFwRule3", ERROR_INVALID_PARAMETER};
  }
  Com<INetFwRule3> rule;
  Outcome outcome = Find(rules, wanted.name, rule.put());
  if (outcome.call != nullptr) return outcome;
  if (rule.get() != nullptr) return Fill(rule.get(), wanted);
  const HRESULT made =
      CALL(E_FAIL, CoCreateInstance, kRuleClass, nullptr, CLSCTX_INPROC_SERVER, kRule3, rule.put_void());
  if (FAILED(made)) return Failed(L"INetFwRule3", made);
  outcome = Fill(rule.get(), wanted);
  if (outcome.call != nullptr) return outcome;
  const HRESULT added = ASK(E_FAIL, "Add", rules->Add(rule.get()));
  return SUCCEEDED(added) ? Outcome() : Failed(L"INetFwRules::Add", added);
}

HRESULT ReadWhole(INetFwRule3* rule, bool* is_whole) {
  NET_FW_RULE_DIRECTION direction = NET_FW_RULE_DIR_IN;
  NET_FW_ACTION action = NET_FW_ACTION_ALLOW;
  VARIANT_BOOL enabled = VARIANT_FALSE;
  long profiles = 0;
  Bstr kinds, addresses, ports, application, service, package;
  HRESULT result = ASK(E_FAIL, "get_Direction", rule->get_Direction(&direction));
  if (SUCCEEDED(result)) result = ASK(E_FAIL, "get_Action", rule->get_Action(&action));
  if (SUCCEEDED(result)) result = ASK(E_FAIL, "get_Enabled", rule->get_Enabled(&enabled));
  if (SUCCEEDED(result)) result = ASK(E_FAIL, "get_Profiles", rule->get_Profiles(&profiles));
  if (SUCCEEDED(result)) result = ASK(E_FAIL, "get_InterfaceTypes", rule->get_InterfaceTypes(kinds.put()));
  if (SUCCEEDED(result))
    result = ASK(E_FAIL, "get_LocalAddresses", rule->get_LocalAddresses(addresses.put()));
  if (SUCCEEDED(result)) result = ASK(E_FAIL, "get_LocalPorts", rule->get_LocalPorts(ports.put()));
  if (SUCCEEDED(result))
    result = ASK(E_FAIL, "get_ApplicationName", rule->get_ApplicationName(application.put()));
  if (SUCCEEDED(result)) result = ASK(E_FAIL, "get_ServiceName", rule->get_ServiceName(service.put()));
  if (SUCCEEDED(result))
    result = ASK(E_FAIL, "get_LocalAppPackageId", rule->get_LocalAppPackageId(package.put()));
  constexpr long kEvery = NET_FW_PROFILE2_DOMAIN | NET_FW_PROFILE2_PRIVATE | NET_FW_PROFILE2_PUBLIC;
  *is_whole = direction == NET_FW_RULE_DIR_OUT && action == NET_FW_ACTION_BLOCK && enabled != VARIANT_FALSE &&
              (profiles & kEvery) == kEvery && SameText(kinds.z(), L"All") && addresses.IsAll() &&
              ports.IsAll() && application.z()[0] == 0 && service.z()[0] == 0 && package.z()[0] == 0;
  return result;
}

// `found` is false when there is none.
Outcome ReadRule(INetFwRules* rules, Rule* rule, bool* found) {
  Com<INetFwRule3> held;
  const Outcome outcome = Find(rules, rule->name, held.put());
  *found = outcome.call == nullptr && held.get() != nullptr;
  if (!*found) return outcome;
  Bstr addresses, ports, users;
  HRESULT result = ASK(E_FAIL, "get_Protocol", held->get_Protocol(&rule->protocol));
  if (SUCCEEDED(result))
    result = ASK(E_FAIL, "get_RemoteAddresses", held->get_RemoteAddresses(addresses.put()));
  if (SUCCEEDED(result)) result = ASK(E_FAIL, "get_RemotePorts", held->get_RemotePorts(ports.put()));
  if (SUCCEEDED(result))
    result = ASK(E_FAIL, "get_LocalUserAuthorizedList", held->get_LocalUserAuthorizedList(users.put()));
  if (SUCCEEDED(result)) result = ReadWhole(held.get(), &rule->is_whole);
  if (FAILED(result)) return Failed(L"INetFwRule3", result);
  rule->remote_addresses.Put(addresses.z());
  rule->all_ports = ports.IsAll();
  rule->remote_ports.Put(ports.z());
  rule->local_users.Put(users.z());
  return {};
}

// One of the name goes with each call.
Outcome Remove(INetFwRules* rules, const Text& name) {
  const Bstr key(name.z());
  for (int count = 0; count < kMostOfOneName; count++) {
    Com<INetFwRule3> rule;
    const Outcome outcome = Find(rules, name, rule.put());
    if (outcome.call != nullptr || rule.get() == nullptr) return outcome;
    const HRESULT result = ASK(E_FAIL, "Remove", rules->Remove(key.get()));
    if (FAILED(result)) return Failed(L"INetFwRules::Remove", result);
  }
  return {L"INetFwRules::Remove", ERROR_TOO_MANY_NAMES};
}

// Rules hold nobody where a domain's policy passes over them, or where the firewall is off in a profile that
// may come into force with the next network.
Outcome Count(INetFwPolicy2* policy, bool* counts) {
  NET_FW_MODIFY_STATE state = NET_FW_MODIFY_STATE_GP_OVERRIDE;
  HRESULT result = ASK(E_FAIL, "get_LocalPolicyModifyState", policy->get_LocalPolicyModifyState(&state));
  *counts = state != NET_FW_MODIFY_STATE_GP_OVERRIDE;
  constexpr NET_FW_PROFILE_TYPE2 kProfiles[] = {NET_FW_PROFILE2_DOMAIN, NET_FW_PROFILE2_PRIVATE,
                                                NET_FW_PROFILE2_PUBLIC};
  for (const auto profile : kProfiles) {
    VARIANT_BOOL enabled = VARIANT_FALSE;
    if (SUCCEEDED(result))
      result = ASK(E_FAIL, "get_FirewallEnabled", policy->get_FirewallEnabled(profile, &enabled));
    *counts = *counts && enabled != VARIANT_FALSE;
  }
  return SUCCEEDED(result) ? Outcome() : Failed(L"INetFwPolicy2", result);
}

Outcome Perform(FirewallTask* task) {
  const Apartment apartment;
  if (FAILED(apartment.result())) return Failed(L"CoInitializeEx", apartment.result());
  Com<INetFwPolicy2> policy;
  const Outcome opened = OpenPolicy(policy.put());
  if (opened.call != nullptr) return opened;
  if (task->act == Act::kCount) return Count(policy.get(), &task->holds);
  Com<INetFwRules> rules;
  const HRESULT listed = ASK(E_FAIL, "get_Rules", policy->get_Rules(rules.put()));
  if (FAILED(listed)) return Failed(L"INetFwPolicy2", listed);
  switch (task->act) {
    case Act::kSet:
      return Set(rules.get(), *task->rule);
    case Act::kRead:
      return ReadRule(rules.get(), task->rule, &task->holds);
    default:
      return Remove(rules.get(), task->rule->name);
  }
}

void Work(Task* given) {
  auto* task = static_cast<FirewallTask*>(given);
  task->outcome = Perform(task);
}

napi_value Describe(Js js, const Rule& rule) {
  const napi_value answer = js.Object();
  js.Set(answer, "name", js.String(rule.name.z()));
  js.Set(answer, "protocol", js.Number(rule.protocol));
  js.Set(answer, "remoteAddresses", js.String(rule.remote_addresses.z()));
  js.Set(answer, "remotePorts", rule.all_ports ? js.Null() : js.String(rule.remote_ports.z()));
  js.Set(answer, "localUsers", js.String(rule.local_users.z()));
  js.Set(answer, "isWhole", js.Bool(rule.is_whole));
  return answer;
}

napi_value Answer(Js js, Task* given) {
  auto* task = static_cast<FirewallTask*>(given);
  napi_value answer = js.Undefined();
  if (task->outcome.call != nullptr) {
    answer = js.Failure(task->outcome);
  } else if (task->act == Act::kCount) {
    answer = js.Bool(task->holds);
  } else if (task->act == Act::kRead) {
    answer = task->holds ? Describe(js, *task->rule) : js.Null();
  }
  task->rule->~Rule();
  Release(task->rule);
  return answer;
}

FirewallTask* MakeTask(Act act) {
  auto* task = static_cast<FirewallTask*>(Allocate(sizeof(FirewallTask)));
  ZeroMemory(task, sizeof(FirewallTask));
  task->work = Work;
  task->answer = Answer;
  task->act = act;
  task->rule = static_cast<Rule*>(Allocate(sizeof(Rule)));
  ZeroMemory(task->rule, sizeof(Rule));
  return task;
}

}  // namespace

napi_value SetFirewallRule(napi_env env, napi_callback_info info) {
  const Js js(env);
  const Arguments arguments(env, info);
  const napi_value given = arguments.values[0];
  FirewallTask* task = MakeTask(Act::kSet);
  task->rule->name = js.TextOf(js.Member(given, "name"));
  task->rule->protocol = static_cast<long>(js.NumberOf(js.Member(given, "protocol")));
  task->rule->remote_addresses = js.TextOf(js.Member(given, "remoteAddresses"));
  task->rule->remote_ports = js.TextOf(js.Member(given, "remotePorts"));
  task->rule->all_ports = task->rule->remote_ports.empty();
  task->rule->local_users = js.TextOf(js.Member(given, "localUsers"));
  return Begin(js, task);
}

napi_value ReadFirewallRule(napi_env env, napi_callback_info info) {
  const Js js(env);
  const Arguments arguments(env, info);
  FirewallTask* task = MakeTask(Act::kRead);
  task->rule->name = js.TextOf(arguments.values[0]);
  return Begin(js, task);
}

napi_value RemoveFirewallRule(napi_env env, napi_callback_info info) {
  const Js js(env);
  const Arguments arguments(env, info);
  FirewallTask* task = MakeTask(Act::kRemove);
  task->rule->name = js.TextOf(arguments.values[0]);
  return Begin(js, task);
}

napi_value LocalFirewallRulesCount(napi_env env, napi_callback_info) {
  return Begin(Js(env), MakeTask(Act::kCount));
}

}  // namespace castellan
