// Directories and files that a process with an administrator's rights makes, fills and removes where others
// may write too. Every directory on the way is opened by its name in the one before it and held, so none can
// be replaced meanwhile; a reparse point on the way ends the call before anything is changed behind it.
// Nothing that exists is opened for writing: a file is removed by its name and made anew.
//
// A place is two texts: where it begins (`C:\`, `\\server\share\`), and the names below that. A failure tells
// the `path` at which it came to its end.
#ifndef CASTELLAN_WINDOWS_PLACES_H_
#define CASTELLAN_WINDOWS_PLACES_H_

#include "js.h"

namespace castellan {

// makeDirectory(anchor, below): with those above it that are missing.
napi_value MakeDirectory(napi_env env, napi_callback_info info);

// replaceFile(anchor, below, bytes): in a directory that is there.
napi_value ReplaceFile(napi_env env, napi_callback_info info);

// removeTree(anchor, below): with everything in it; a reparse point is removed, never what it leads to. That
// nothing is there is no failure.
napi_value RemoveTree(napi_env env, napi_callback_info info);

// hideDirectory(anchor, below): hidden, and of the system.
napi_value HideDirectory(napi_env env, napi_callback_info info);

}  // namespace castellan

#endif  // CASTELLAN_WINDOWS_PLACES_H_
