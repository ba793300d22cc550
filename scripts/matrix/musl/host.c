// Loads an addon by the loader that runs this, as a host with Node-API would, and says what it registered. The functions of
// Node-API are stand-ins (made by scripts/matrix/musl.mjs from what the addon imports) that answer 0 and do nothing.
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>

extern unsigned long calls;

int main(int count, char** words) {
  if (count != 2) return 2;
  void* addon = dlopen(words[1], RTLD_NOW | RTLD_LOCAL);
  if (addon == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  int32_t (*version)(void) = (int32_t(*)(void))dlsym(addon, "node_api_module_get_api_version_v1");
  void* (*begin)(void*, void*) = (void* (*)(void*, void*))dlsym(addon, "napi_register_module_v1");
  if (version == NULL || begin == NULL) return 1;
  static char environment, exports;
  begin(&environment, &exports);
  printf("{\"version\":%d,\"calls\":%lu}\n", version(), calls);
  return 0;
}
