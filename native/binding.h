// What one system's folder offers to the addon's entry point.
#ifndef CASTELLAN_BINDING_H_
#define CASTELLAN_BINDING_H_

#include <napi.h>

namespace castellan {

void ExportBinding(Napi::Env env, Napi::Object exports);

}  // namespace castellan

#endif  // CASTELLAN_BINDING_H_
