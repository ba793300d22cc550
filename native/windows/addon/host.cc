// Binds the functions of Node-API when they are first used. The import table names node.exe, and a host may
// have another name or keep them in a library (Electron, Node.js embedded); the loader would then not load
// the addon.
#include "host.h"

extern "C" const IMAGE_DOS_HEADER __ImageBase;

namespace {

// ImgDelayDescr of the compiler's <delayimp.h>: offsets from the start of the image.
struct DelayedImport {
  DWORD attributes;
  DWORD library_name;
  DWORD module;
  DWORD addresses;
  DWORD names;
  DWORD bound;
  DWORD unload;
  DWORD time;
};

constexpr DWORD kNotFound = 0xC06D007F;

template <typename Value>
const Value* At(DWORD offset) {
  return reinterpret_cast<const Value*>(reinterpret_cast<const unsigned char*>(&__ImageBase) + offset);
}

}  // namespace

FARPROC castellan::FindInHost(const char* name) {
  static const wchar_t* const kHosts[] = {nullptr, L"node.dll", L"libnode.dll", L"node.exe"};
  for (const wchar_t* host : kHosts) {
    const HMODULE module = GetModuleHandleW(host);
    const FARPROC found = module == nullptr ? nullptr : GetProcAddress(module, name);
    if (found != nullptr) return found;
  }
  return nullptr;
}

extern "C" FARPROC WINAPI __delayLoadHelper2(const DelayedImport* import, FARPROC* entry) {
  const auto index = entry - reinterpret_cast<const FARPROC*>(At<void>(import->addresses));
  const ULONGLONG offset = At<ULONGLONG>(import->names)[index];
  // Two bytes of a hint, then the name.
  const FARPROC found = castellan::FindInHost(At<char>(static_cast<DWORD>(offset)) + 2);
  if (found == nullptr) RaiseException(kNotFound, EXCEPTION_NONCONTINUABLE, 0, nullptr);
  *entry = found;
  return found;
}

extern "C" BOOL WINAPI CastellanAddon(HINSTANCE, DWORD, void*) {
  return TRUE;
}
