#include "descriptors.h"

#include "../common/calls.h"

namespace castellan {
namespace {

constexpr unsigned char kOpen = 0x01;
constexpr unsigned char kPipe = 0x08;
constexpr unsigned kMostDescriptors = 2048;

bool IsHandle(HANDLE handle) {
  return handle != nullptr && handle != INVALID_HANDLE_VALUE && handle != reinterpret_cast<HANDLE>(-2);
}

}  // namespace

Failure Descriptors::Read() {
  STARTUPINFOW startup = {};
  startup.cb = sizeof(startup);
  GetStartupInfoW(&startup);
  const unsigned char* block = startup.lpReserved2;
  const size_t size = startup.cbReserved2;
  int count = 0;
  if (block == nullptr || size < sizeof(count)) return {L"request", L"there are no descriptors", 0};
  CopyMemory(&count, block, sizeof(count));
  if (count < 0 || count > static_cast<int>(kMostDescriptors) ||
      size < sizeof(count) + static_cast<size_t>(count) * (1 + sizeof(HANDLE))) {
    return {L"request", L"the descriptors cannot be read", 0};
  }
  flags_.Append(block + sizeof(count), static_cast<size_t>(count));
  handles_.Resize(static_cast<size_t>(count));
  CopyMemory(handles_.data(), block + sizeof(count) + count, static_cast<size_t>(count) * sizeof(HANDLE));
  return {};
}

void Descriptors::Hold(const HANDLE (&pipes)[3]) {
  for (const HANDLE pipe : pipes) {
    handles_.Add(pipe);
    flags_.Add(kOpen | kPipe);
  }
}

HANDLE Descriptors::At(unsigned descriptor) const {
  if (descriptor >= handles_.size() || (flags_[descriptor] & kOpen) == 0) return nullptr;
  return IsHandle(handles_[descriptor]) ? handles_[descriptor] : nullptr;
}

HANDLE Descriptors::Take(unsigned descriptor) {
  const HANDLE handle = At(descriptor);
  if (handle == nullptr) return nullptr;
  flags_[descriptor] = 0;
  handles_[descriptor] = INVALID_HANDLE_VALUE;
  return handle;
}

Bytes Descriptors::Pack() const {
  size_t last = handles_.size();
  while (last > 0 && At(static_cast<unsigned>(last - 1)) == nullptr) last--;
  const int count = static_cast<int>(last);
  Bytes block;
  block.Append(reinterpret_cast<const unsigned char*>(&count), sizeof(count));
  block.Append(flags_.data(), last);
  block.Append(reinterpret_cast<const unsigned char*>(handles_.data()), last * sizeof(HANDLE));
  return block;
}

Failure Descriptors::MakeInheritable(List<HANDLE>* handles) const {
  for (unsigned descriptor = 0; descriptor < handles_.size(); descriptor++) {
    const HANDLE handle = At(descriptor);
    if (handle == nullptr) continue;
    bool known = false;
    for (const HANDLE other : *handles) known = known || other == handle;
    if (known) continue;
    if (!CALL(FALSE, SetHandleInformation, handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT)) {
      return LastFailure(L"handles", L"SetHandleInformation");
    }
    handles->Add(handle);
  }
  return {};
}

}  // namespace castellan
