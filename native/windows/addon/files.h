// What the keys ask of a file: a lock between processes, and that nobody else may read it.
#ifndef CASTELLAN_WINDOWS_FILES_H_
#define CASTELLAN_WINDOWS_FILES_H_

#include "js.h"

namespace castellan {

// flock(fd, exclusive, nonBlocking): 0, or an error number of the C library. A lock of the whole file, as
// `File::lock` of Rust takes it, which Codex uses.
napi_value LockFile(napi_env env, napi_callback_info info);

// makePrivate(path): its list then holds the user of this process and nobody else, and inherits nothing.
napi_value MakePrivate(napi_env env, napi_callback_info info);

}  // namespace castellan

#endif  // CASTELLAN_WINDOWS_FILES_H_
