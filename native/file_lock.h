// flock(2), which Linux and macOS share.
#ifndef CASTELLAN_FILE_LOCK_H_
#define CASTELLAN_FILE_LOCK_H_

#include <napi.h>
#include <sys/file.h>

#include <cerrno>

namespace castellan {

// flock(fd, exclusive, nonBlocking): 0 or an errno.
inline Napi::Value LockFile(const Napi::CallbackInfo& info) {
  if (info.Length() < 3 || !info[0].IsNumber() || !info[1].IsBoolean() || !info[2].IsBoolean()) {
    Napi::TypeError::New(info.Env(), "castellan: wrong arguments to a native call")
        .ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  const int fd = info[0].As<Napi::Number>().Int32Value();
  const int operation = (info[1].As<Napi::Boolean>().Value() ? LOCK_EX : LOCK_SH) |
                        (info[2].As<Napi::Boolean>().Value() ? LOCK_NB : 0);
  int result = 0;
  do {
    result = flock(fd, operation);
  } while (result != 0 && errno == EINTR);
  return Napi::Number::New(info.Env(), result == 0 ? 0 : errno);
}

}  // namespace castellan

#endif  // CASTELLAN_FILE_LOCK_H_
