// See listeners.h. No libc here.
#include "listeners.h"

#include "../syscalls.h"
#include "words.h"

namespace castellan {
namespace {

struct SocketAddress {
  uint16_t family;
  uint8_t port[2];  // big endian
  uint8_t address[4];
  uint8_t rest[8];
};

// A socket that listens on 127.0.0.1:port, or -errno.
long Listen(uint16_t port) {
  const long socket = sys::Call(__NR_socket, 2 /* AF_INET */, 1 /* SOCK_STREAM */ | sys::kCloseOnExec, 0);
  if (socket < 0) return socket;
  const SocketAddress address{
      2, {static_cast<uint8_t>(port >> 8), static_cast<uint8_t>(port & 0xff)}, {127, 0, 0, 1}, {}};
  long result = sys::Call(__NR_bind, socket, sys::Word(&address), sizeof address);
  if (result >= 0) result = sys::Call(__NR_listen, socket, 128);
  if (result >= 0) return socket;
  sys::Close(static_cast<int>(socket));
  return result;
}

struct Slice {
  void* data;
  size_t size;
};
struct DescriptorMessage {
  size_t length;
  int32_t level, type, descriptor, pad;
};
struct MessageHeader {
  void* name;
  uint32_t name_size;
  Slice* slices;
  size_t slices_count;
  void* control;
  size_t control_size;
  int32_t flags;
};

// Sends one descriptor with one byte; returns a negative errno on failure.
long SendDescriptor(int through, int descriptor) {
  char byte = 'l';
  Slice slice{&byte, 1};
  DescriptorMessage control{sizeof(DescriptorMessage) - sizeof(int32_t), 1 /* SOL_SOCKET */,
                            1 /* SCM_RIGHTS */, descriptor, 0};
  const MessageHeader message{nullptr, 0, &slice, 1, &control, sizeof control, 0};
  return sys::Call(__NR_sendmsg, through, sys::Word(&message), 0x4000 /* MSG_NOSIGNAL */);
}

}  // namespace

Report HandListenersOver(int through, const char* const* ports, int count) {
  for (int i = 0; i < count; i++) {
    const long socket = Listen(static_cast<uint16_t>(ParseNumber(ports[i])));
    const long result = socket < 0 ? socket : SendDescriptor(through, static_cast<int>(socket));
    if (socket >= 0) sys::Close(static_cast<int>(socket));
    if (result < 0) return Report{Stage::kListen, static_cast<int32_t>(-result), i};
  }
  sys::Close(through);
  return Report{};
}

}  // namespace castellan
