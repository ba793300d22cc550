// See binding_request.h.
#include "binding_request.h"

#include <string.h>

#include <string>
#include <vector>

#include "binding_environment.h"

namespace castellan {
namespace {

constexpr size_t kMaxDescriptors = 256;

// Undefined: none.
bool ReadPaths(const Napi::Value& value, std::vector<std::string>* out) {
  if (value.IsUndefined()) return true;
  if (!value.IsArray()) return false;
  const auto list = value.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); i++) {
    const Napi::Value path = list.Get(i);
    if (!path.IsString()) return false;
    out->push_back(path.As<Napi::String>().Utf8Value());
    if (out->back().empty() || out->back()[0] != '/' || out->back().find('\0') != std::string::npos)
      return false;
  }
  return true;
}

// The members of NativeRunOptions in the order of lib/native/run-numbers.ts; the descriptors follow.
enum RunNumber {
  kCollect,
  kEndTreeOnExit,
  kEndTreeFirst,
  kOutputLimit,
  kTimeout,
  kGrace,
  kTimeoutSignal,
  kReportDescriptor,
  kMemoryLimit,
  kCpuLimit,
  kTaskLimit,
  kOutputBytes,
  kDescriptorCount,
  kRunNumbers
};

int64_t WholeNumber(double value) {
  constexpr double kGreatest = 9007199254740991;
  return value >= -kGreatest && value <= kGreatest ? static_cast<int64_t>(value) : 0;
}

bool ReadNumbers(const Napi::Float64Array& numbers, RunRequest* out) {
  if (numbers.ElementLength() < kRunNumbers) return false;
  const double* data = numbers.Data();
  const auto whole = [&](int at) { return WholeNumber(data[at]); };
  const int64_t descriptors = whole(kDescriptorCount);
  if (descriptors < 0 || descriptors > static_cast<int64_t>(kMaxDescriptors) ||
      static_cast<size_t>(descriptors) > numbers.ElementLength() - kRunNumbers) {
    return false;
  }
  out->stdio.reserve(static_cast<size_t>(descriptors));
  for (int64_t i = 0; i < descriptors; i++)
    out->stdio.push_back(static_cast<int32_t>(whole(kRunNumbers + static_cast<int>(i))));
  out->collect = whole(kCollect) != 0;
  out->end_tree_on_exit = whole(kEndTreeOnExit) != 0;
  out->end_tree_first = whole(kEndTreeFirst) != 0;
  out->output_limit = static_cast<uint64_t>(whole(kOutputLimit));
  out->timeout_ms = whole(kTimeout);
  out->grace_ms = whole(kGrace);
  out->timeout_signal = static_cast<int32_t>(whole(kTimeoutSignal));
  out->report_descriptor = static_cast<int32_t>(whole(kReportDescriptor));
  const auto limit = [&](int at) {
    const int64_t value = whole(at);
    return value < 0 ? kNoLimit : static_cast<uint64_t>(value);
  };
  out->limits = {limit(kMemoryLimit), limit(kCpuLimit), limit(kTaskLimit), limit(kOutputBytes)};
  return true;
}

}  // namespace

std::vector<uint64_t> AlignedCopy(const Napi::Uint8Array& bytes) {
  std::vector<uint64_t> copy((bytes.ByteLength() + 7) / 8, 0);
  if (bytes.ByteLength() > 0) memcpy(copy.data(), bytes.Data(), bytes.ByteLength());
  return copy;
}

// (plan, request, numbers, input, placed, needless, stamps); the last four may be undefined.
bool ReadRunRequest(const Napi::CallbackInfo& info, RunRequest* out) {
  if (info.Length() < 3 || !info[0].IsExternal() || !info[1].IsTypedArray() || !info[2].IsTypedArray())
    return false;
  const auto numbers = info[2].As<Napi::TypedArray>();
  if (numbers.TypedArrayType() != napi_float64_array || !ReadNumbers(numbers.As<Napi::Float64Array>(), out))
    return false;
  out->plan = *info[0].As<PlanHandle>().Data();
  const auto request = info[1].As<Napi::Uint8Array>();
  out->request = AlignedCopy(request);
  out->request_size = request.ByteLength();
  if (info.Length() > 3 && info[3].IsTypedArray()) {
    const auto bytes = info[3].As<Napi::Uint8Array>();
    out->input.assign(bytes.Data(), bytes.Data() + bytes.ByteLength());
  }
  if (info.Length() > 5 && !(ReadPaths(info[4], &out->places) && ReadPaths(info[5], &out->needless)))
    return false;
  if (info.Length() > 6 && info[6].IsExternal()) out->stamps = *info[6].As<StampsHandle>().Data();
  return true;
}

}  // namespace castellan
