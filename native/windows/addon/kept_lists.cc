#include "kept_lists.h"

#include <aclapi.h>

#include "../common/calls.h"

namespace castellan {
namespace {

SE_OBJECT_TYPE KindOf(const Handle& object) {
  return object.is_device() ? SE_KERNEL_OBJECT : SE_FILE_OBJECT;
}

#ifdef CASTELLAN_FAULTS
struct Kept {
  Identity identity;
  bool is_protected;
  Bytes list;
  Kept* next;
};

SRWLOCK guard = SRWLOCK_INIT;
Kept* first = nullptr;

// Not through CALL: nothing of this is in what is shipped.
Identity PlainIdentity(const Handle& object) {
  FILE_ID_INFO found = {};
  if (!object.is_device()) ::GetFileInformationByHandleEx(object.get(), FileIdInfo, &found, sizeof(found));
  Identity identity = {};
  PutDigits(found.FileId.Identifier, sizeof(found.FileId.Identifier), identity.file);
  return identity;
}

Kept* Find(const Identity& identity) {
  Kept* kept = first;
  while (kept != nullptr && !SameText(kept->identity.file, identity.file)) kept = kept->next;
  return kept;
}

void Keep(const Handle& object, SECURITY_INFORMATION what, PACL list) {
  const Identity identity = PlainIdentity(object);
  AcquireSRWLockExclusive(&guard);
  Kept* kept = Find(identity);
  if (kept == nullptr) {
    kept = static_cast<Kept*>(Allocate(sizeof(Kept)));
    ZeroMemory(kept, sizeof(Kept));
    kept->identity = identity;
    kept->next = first;
    first = kept;
  }
  kept->is_protected = (what & PROTECTED_DACL_SECURITY_INFORMATION) != 0;
  kept->list.Resize(0);
  kept->list.Append(reinterpret_cast<const unsigned char*>(list), list->AclSize);
  ReleaseSRWLockExclusive(&guard);
}

// In the place of what the system answered.
void Answer(const Handle& object, PACL* list, PSECURITY_DESCRIPTOR descriptor) {
  const Identity identity = PlainIdentity(object);
  AcquireSRWLockExclusive(&guard);
  Kept* kept = Find(identity);
  ReleaseSRWLockExclusive(&guard);
  // Wine's null device has no list, and that of Windows has one.
  static ACL empty = {ACL_REVISION, 0, sizeof(ACL), 0, 0};
  if (kept == nullptr && object.is_device()) *list = &empty;
  if (kept == nullptr) return;
  *list = reinterpret_cast<PACL>(kept->list.data());
  auto& control = static_cast<SECURITY_DESCRIPTOR_RELATIVE*>(descriptor)->Control;
  control =
      static_cast<WORD>(kept->is_protected ? control | SE_DACL_PROTECTED : control & ~SE_DACL_PROTECTED);
}
#endif

}  // namespace

DWORD ReadList(const Handle& object, PACL* list, PSECURITY_DESCRIPTOR* descriptor) {
  const DWORD error = CALL(ERROR_GEN_FAILURE, GetSecurityInfo, object.get(), KindOf(object),
                           DACL_SECURITY_INFORMATION, nullptr, nullptr, list, nullptr, descriptor);
#ifdef CASTELLAN_FAULTS
  if (error == ERROR_SUCCESS && Pretends()) Answer(object, list, *descriptor);
#endif
  return error;
}

DWORD WriteList(const Handle& object, SECURITY_INFORMATION what, PACL list) {
#ifdef CASTELLAN_FAULTS
  if (Pretends()) {
    if (FailsNow("SetSecurityInfo")) return ERROR_GEN_FAILURE;
    Keep(object, what, list);
    return ERROR_SUCCESS;
  }
#endif
  return CALL(ERROR_GEN_FAILURE, SetSecurityInfo, object.get(), KindOf(object), what, nullptr, nullptr, list,
              nullptr);
}

}  // namespace castellan
