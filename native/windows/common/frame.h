// Frames: a 32-bit length, little endian, and that many bytes of JSON (lib/plan/windows/frame.ts).
#ifndef CASTELLAN_WINDOWS_FRAME_H_
#define CASTELLAN_WINDOWS_FRAME_H_

#include "memory.h"

namespace castellan {

constexpr DWORD kLongestFrame = 8 << 20;

enum class FrameResult {
  kFrame,
  // The stream ended before a frame began.
  kEnd,
  // GetLastError: why it could not be read. ERROR_HANDLE_EOF: it ended in the middle.
  kFailed,
  kTooLong,
};

// Reads exactly one frame, and nothing behind it.
FrameResult ReadFrame(HANDLE stream, Bytes* body);

bool WriteFrame(HANDLE stream, const Bytes& body);

}  // namespace castellan

#endif  // CASTELLAN_WINDOWS_FRAME_H_
