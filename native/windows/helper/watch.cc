#include "watch.h"

#include "../common/calls.h"
#include "../common/frame.h"
#include "../common/json.h"
#include "request.h"

namespace castellan {
namespace {

struct Watch {
  HANDLE stream;
  HANDLE job;
  bool ends_with_request;
};

// Anything else that comes is no word of the protocol, and then nothing that follows is believed; the tree is
// ended as well.
DWORD WINAPI WatchRequest(void* given) {
  const Watch& watch = *static_cast<const Watch*>(given);
  Bytes body;
  const FrameResult result = ReadFrame(watch.stream, &body);
  if (result == FrameResult::kEnd || result == FrameResult::kFailed) {
    if (watch.ends_with_request) TerminateJobObject(watch.job, 1);
    return 0;
  }
  DWORD code = 1;
  JsonDocument document;
  if (result == FrameResult::kFrame) ReadTerminate(document.Read(body.data(), body.size()), &code);
  TerminateJobObject(watch.job, code);
  return 0;
}

}  // namespace

Failure WatchRequestOf(HANDLE stream, HANDLE job, bool ends_with_request) {
  static Watch watch;
  watch = {stream, job, ends_with_request};
  const HANDLE watcher = CALL(nullptr, CreateThread, nullptr, 0, WatchRequest, &watch, 0, nullptr);
  return watcher == nullptr ? LastFailure(L"wait", L"CreateThread") : Failure();
}

}  // namespace castellan
