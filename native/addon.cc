// The entry point of the addon. Each system's folder fills in the exports; this file knows none of them.
#include <napi.h>

#include "binding.h"

Napi::Object Initialize(Napi::Env env, Napi::Object exports) {
  castellan::ExportBinding(env, exports);
  return exports;
}

NODE_API_MODULE(castellan, Initialize)
