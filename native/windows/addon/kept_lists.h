// The list of an object, as the system holds it. In the test build it is held in memory where that is asked
// for (CASTELLAN_PRETEND): Wine takes every list and keeps what mode bits can say.
#ifndef CASTELLAN_WINDOWS_KEPT_LISTS_H_
#define CASTELLAN_WINDOWS_KEPT_LISTS_H_

#include "objects.h"

namespace castellan {

// `descriptor` holds the list and is freed by LocalFree. Status codes of the system.
DWORD ReadList(const Handle& object, PACL* list, PSECURITY_DESCRIPTOR* descriptor);
DWORD WriteList(const Handle& object, SECURITY_INFORMATION what, PACL list);

}  // namespace castellan

#endif  // CASTELLAN_WINDOWS_KEPT_LISTS_H_
