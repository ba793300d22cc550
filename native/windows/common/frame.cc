#include "frame.h"

#include "calls.h"

namespace castellan {
namespace {

// Returns how many bytes came before the stream ended, or -1.
long long ReadBytes(HANDLE stream, unsigned char* bytes, DWORD size) {
  DWORD got = 0;
  while (got < size) {
    DWORD now = 0;
    if (!CALL(FALSE, ReadFile, stream, bytes + got, size - got, &now, nullptr)) {
      if (GetLastError() == ERROR_BROKEN_PIPE) break;
      return -1;
    }
    // A writer of nothing at the other end of a message pipe, or the end of a file.
    if (now == 0) break;
    got += now;
  }
  return got;
}

}  // namespace

FrameResult ReadFrame(HANDLE stream, Bytes* body) {
  unsigned char header[4];
  const long long begun = ReadBytes(stream, header, sizeof(header));
  if (begun < 0) return FrameResult::kFailed;
  if (begun == 0) return FrameResult::kEnd;
  if (begun < 4) {
    SetLastError(ERROR_HANDLE_EOF);
    return FrameResult::kFailed;
  }
  const DWORD size = header[0] | header[1] << 8 | header[2] << 16 | static_cast<DWORD>(header[3]) << 24;
  if (size > kLongestFrame) return FrameResult::kTooLong;
  body->Resize(0);
  body->Resize(size);
  const long long got = ReadBytes(stream, body->data(), size);
  if (got == static_cast<long long>(size)) return FrameResult::kFrame;
  if (got >= 0) SetLastError(ERROR_HANDLE_EOF);
  return FrameResult::kFailed;
}

bool WriteFrame(HANDLE stream, const Bytes& body) {
  const DWORD size = static_cast<DWORD>(body.size());
  Bytes frame;
  for (int shift = 0; shift < 32; shift += 8) frame.Add(static_cast<unsigned char>(size >> shift));
  frame.Append(body.data(), body.size());
  DWORD done = 0;
  while (done < frame.size()) {
    DWORD now = 0;
    const DWORD left = static_cast<DWORD>(frame.size()) - done;
    if (!CALL(FALSE, WriteFile, stream, frame.data() + done, left, &now, nullptr) || now == 0) return false;
    done += now;
  }
  return true;
}

}  // namespace castellan
