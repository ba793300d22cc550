#include "access_list.h"

#include "../common/calls.h"
#include "../common/sid.h"
#include "kept_lists.h"
#include "objects.h"

namespace castellan {
namespace {

constexpr BYTE kInherits = OBJECT_INHERIT_ACE | CONTAINER_INHERIT_ACE;
constexpr DWORD kReads = FILE_GENERIC_READ | FILE_GENERIC_EXECUTE;

struct Entry {
  bool denies;
  bool own;
  BYTE flags;
  DWORD mask;
  SidBytes sid;
  const ACE_HEADER* header;
};

// The list of an object, as the system holds it.
class Acl {
 public:
  Acl() = default;
  ~Acl() {
    if (descriptor_ != nullptr) LocalFree(descriptor_);
  }
  Acl(const Acl&) = delete;
  Acl& operator=(const Acl&) = delete;

  Outcome Read(const Handle& object);
  bool missing() const { return list_ == nullptr; }
  bool is_protected() const { return protected_; }
  DWORD size() const { return list_ == nullptr ? 0 : list_->AclSize; }
  const List<Entry>& entries() const { return entries_; }
  // Entries of other kinds than allow and deny, which are copied and never looked into.
  const List<const ACE_HEADER*>& all() const { return all_; }

 private:
  PSECURITY_DESCRIPTOR descriptor_ = nullptr;
  PACL list_ = nullptr;
  bool protected_ = false;
  List<Entry> entries_;
  List<const ACE_HEADER*> all_;
};

Outcome Acl::Read(const Handle& object) {
  const DWORD error = ReadList(object, &list_, &descriptor_);
  if (error != ERROR_SUCCESS) return {L"GetSecurityInfo", error};
  SECURITY_DESCRIPTOR_CONTROL control = 0;
  DWORD revision = 0;
  if (!CALL(FALSE, GetSecurityDescriptorControl, descriptor_, &control, &revision)) {
    return FailedCall(L"GetSecurityDescriptorControl");
  }
  protected_ = (control & SE_DACL_PROTECTED) != 0;
  for (DWORD index = 0; list_ != nullptr && index < list_->AceCount; index++) {
    void* found = nullptr;
    if (!CALL(FALSE, GetAce, list_, index, &found)) return FailedCall(L"GetAce");
    const auto* header = static_cast<const ACE_HEADER*>(found);
    all_.Add(header);
    if (header->AceType != ACCESS_ALLOWED_ACE_TYPE && header->AceType != ACCESS_DENIED_ACE_TYPE) continue;
    const auto* ace = static_cast<const ACCESS_ALLOWED_ACE*>(found);
    Entry entry = {};
    entry.denies = header->AceType == ACCESS_DENIED_ACE_TYPE;
    entry.own = (header->AceFlags & INHERITED_ACE) == 0;
    entry.flags = header->AceFlags;
    entry.mask = ace->Mask;
    entry.header = header;
    if (!CopySid(const_cast<DWORD*>(&ace->SidStart), &entry.sid)) return {L"GetAce", ERROR_INVALID_SID};
    entries_.Add(entry);
  }
  return {};
}

bool GivesReading(const Entry& entry) {
  if (entry.denies || (entry.flags & INHERIT_ONLY_ACE) != 0) return false;
  if ((entry.mask & GENERIC_ALL) != 0) return true;
  DWORD mask = entry.mask;
  if ((mask & GENERIC_READ) != 0) mask |= FILE_GENERIC_READ;
  if ((mask & GENERIC_EXECUTE) != 0) mask |= FILE_GENERIC_EXECUTE;
  return (mask & kReads) == kReads;
}

struct ChangeTask : Task {
  wchar_t* path;
  Identity place;
  bool removes;
  bool denies;
  DWORD mask;
  bool inherited;
  bool has_sid;
  SidBytes sid;
  Outcome outcome;
};

bool IsReplaced(const ChangeTask& change, const ACE_HEADER* header, const List<Entry>& entries) {
  for (const Entry& entry : entries) {
    if (entry.header == header)
      return entry.own && entry.denies == change.denies && SameSid(entry.sid, change.sid);
  }
  return false;
}

bool IsWanted(const ChangeTask& change, const Entry& entry) {
  const BYTE flags = change.inherited ? kInherits : 0;
  return entry.own && entry.denies == change.denies && SameSid(entry.sid, change.sid) &&
         entry.mask == change.mask && entry.flags == flags;
}

// Counts the object's own entries of the change's type and identifier, and whether one is exactly the wanted
// one.
size_t CountOf(const ChangeTask& change, const Acl& acl, bool* wanted) {
  size_t count = 0;
  *wanted = false;
  for (const Entry& entry : acl.entries()) {
    if (!entry.own || entry.denies != change.denies || !SameSid(entry.sid, change.sid)) continue;
    count++;
    *wanted = *wanted || IsWanted(change, entry);
  }
  return count;
}

bool Put(PACL list, const ChangeTask& change) {
  const DWORD flags = change.inherited ? kInherits : 0;
  const PSID sid = change.sid.get();
  if (change.denies) return CALL(FALSE, AddAccessDeniedAceEx, list, ACL_REVISION, flags, change.mask, sid);
  return CALL(FALSE, AddAccessAllowedAceEx, list, ACL_REVISION, flags, change.mask, sid);
}

// The order of Windows: own denials, own grants, what is inherited. The new entry is the first of its kind.
Outcome Rebuild(const ChangeTask& change, const Acl& acl, Bytes* built) {
  const DWORD size = acl.size() + sizeof(ACL) + sizeof(ACCESS_ALLOWED_ACE) + change.sid.size();
  built->Resize((size + 3) & ~3u);
  auto* list = reinterpret_cast<PACL>(built->data());
  if (!CALL(FALSE, InitializeAcl, list, static_cast<DWORD>(built->size()), ACL_REVISION))
    return FailedCall(L"InitializeAcl");
  bool is_put = change.removes;
  if (change.denies && !is_put) {
    if (!Put(list, change)) return FailedCall(L"AddAccessDeniedAceEx");
    is_put = true;
  }
  for (const ACE_HEADER* header : acl.all()) {
    if (IsReplaced(change, header, acl.entries())) continue;
    const bool is_own_denial =
        (header->AceFlags & INHERITED_ACE) == 0 && header->AceType == ACCESS_DENIED_ACE_TYPE;
    if (!is_put && !is_own_denial) {
      if (!Put(list, change)) return FailedCall(L"AddAccessAllowedAceEx");
      is_put = true;
    }
    if (!CALL(FALSE, AddAce, list, ACL_REVISION, MAXDWORD, const_cast<ACE_HEADER*>(header),
              header->AceSize)) {
      return FailedCall(L"AddAce");
    }
  }
  if (!is_put && !Put(list, change)) return FailedCall(L"AddAccessAllowedAceEx");
  return {};
}

Outcome Change(const ChangeTask& change) {
  if (!change.has_sid) return {L"ReadSid", ERROR_INVALID_SID};
  Handle object;
  Outcome outcome = object.Open(change.path, READ_CONTROL | WRITE_DAC | FILE_READ_ATTRIBUTES);
  if (outcome.call != nullptr) return outcome;
  Identity identity = {};
  outcome = IdentityOf(object, &identity);
  if (outcome.call != nullptr) return outcome;
  if (!SameText(identity.file, change.place.file) || !SameText(identity.volume, change.place.volume)) {
    return {L"GetFileInformationByHandleEx", ERROR_FILE_INVALID};
  }
  Acl acl;
  outcome = acl.Read(object);
  if (outcome.call != nullptr) return outcome;
  // A list in the place of none would lock out everybody whom it does not name.
  if (acl.missing()) return {L"GetSecurityInfo", ERROR_INVALID_ACL};
  bool wanted = false;
  const size_t count = CountOf(change, acl, &wanted);
  if (change.removes ? count == 0 : count == 1 && wanted) return {};
  Bytes built;
  outcome = Rebuild(change, acl, &built);
  if (outcome.call != nullptr) return outcome;
  const SECURITY_INFORMATION what = acl.is_protected()
                                        ? DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION
                                        : DACL_SECURITY_INFORMATION;
  const DWORD error = WriteList(object, what, reinterpret_cast<PACL>(built.data()));
  if (error != ERROR_SUCCESS) return {L"SetSecurityInfo", error};

  // Some file systems, and Wine, take a list and keep another one.
  Acl after;
  outcome = after.Read(object);
  if (outcome.call != nullptr) return outcome;
  const size_t left = CountOf(change, after, &wanted);
  const bool is_done = change.removes ? left == 0 : left == 1 && wanted;
  return is_done && after.is_protected() == acl.is_protected() ? Outcome()
                                                               : Outcome{L"verify", ERROR_INVALID_ACL};
}

void Work(Task* given) {
  auto* task = static_cast<ChangeTask*>(given);
  task->outcome = Change(*task);
}

napi_value Answer(Js js, Task* given) {
  auto* task = static_cast<ChangeTask*>(given);
  Release(task->path);
  return task->outcome.call == nullptr ? js.Undefined() : js.Failure(task->outcome);
}

void CopyDigits(const Text& text, wchar_t* digits, size_t count) {
  for (size_t index = 0; index < count && index < text.size(); index++) digits[index] = text[index];
}

ChangeTask* MakeTask(Js js, napi_value place) {
  auto* task = static_cast<ChangeTask*>(Allocate(sizeof(ChangeTask)));
  ZeroMemory(task, sizeof(ChangeTask));
  task->work = Work;
  task->answer = Answer;
  const Text path = js.TextOf(js.Member(place, "path"));
  task->path = static_cast<wchar_t*>(Allocate((path.size() + 1) * sizeof(wchar_t)));
  CopyMemory(task->path, path.z(), (path.size() + 1) * sizeof(wchar_t));
  CopyDigits(js.TextOf(js.Member(place, "file")), task->place.file, 32);
  CopyDigits(js.TextOf(js.Member(place, "volume")), task->place.volume, 16);
  return task;
}

void SetPrincipal(Js js, ChangeTask* task, napi_value type, napi_value sid) {
  const Text word = js.TextOf(type);
  task->denies = word.Equals(L"deny");
  task->has_sid = (task->denies || word.Equals(L"allow")) && ReadSid(js.TextOf(sid).z(), &task->sid);
}

Outcome Describe(Js js, const wchar_t* path, napi_value answer) {
  Handle object;
  Outcome outcome = object.Open(path, READ_CONTROL);
  if (outcome.call != nullptr) return outcome;
  Acl acl;
  outcome = acl.Read(object);
  if (outcome.call != nullptr) return outcome;
  const napi_value own = js.Array();
  const napi_value readers = js.Array();
  size_t owns = 0;
  size_t reads = 0;
  for (const Entry& entry : acl.entries()) {
    const napi_value sid = js.String(SidText(entry.sid).z());
    if (GivesReading(entry)) js.SetAt(readers, reads++, sid);
    if (!entry.own) continue;
    const napi_value ace = js.Object();
    js.Set(ace, "type", js.String(entry.denies ? L"deny" : L"allow"));
    js.Set(ace, "sid", sid);
    js.Set(ace, "mask", js.Number(entry.mask));
    js.Set(ace, "inherited", js.Bool((entry.flags & kInherits) == kInherits));
    js.SetAt(own, owns++, ace);
  }
  js.Set(answer, "missing", js.Bool(acl.missing()));
  js.Set(answer, "protected", js.Bool(acl.is_protected()));
  js.Set(answer, "own", own);
  js.Set(answer, "readers", readers);
  return {};
}

}  // namespace

napi_value ReadAcl(napi_env env, napi_callback_info info) {
  const Js js(env);
  const Arguments arguments(env, info);
  const napi_value answer = js.Object();
  const Outcome outcome = Describe(js, js.TextOf(arguments.values[0]).z(), answer);
  return outcome.call == nullptr ? answer : js.Failure(outcome);
}

napi_value SetAce(napi_env env, napi_callback_info info) {
  const Js js(env);
  const Arguments arguments(env, info);
  ChangeTask* task = MakeTask(js, arguments.values[0]);
  const napi_value ace = arguments.values[1];
  SetPrincipal(js, task, js.Member(ace, "type"), js.Member(ace, "sid"));
  task->mask = static_cast<DWORD>(js.NumberOf(js.Member(ace, "mask")));
  task->inherited = js.BoolOf(js.Member(ace, "inherited"));
  return Begin(js, task);
}

napi_value RemoveAce(napi_env env, napi_callback_info info) {
  const Js js(env);
  const Arguments arguments(env, info);
  ChangeTask* task = MakeTask(js, arguments.values[0]);
  task->removes = true;
  SetPrincipal(js, task, arguments.values[1], arguments.values[2]);
  return Begin(js, task);
}

}  // namespace castellan
