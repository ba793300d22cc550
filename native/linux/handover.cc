// See handover.h.
#include "handover.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

namespace castellan {
namespace {

int64_t Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

int AwaitReadable(int socket, int64_t deadline) {
  for (;;) {
    const int64_t left = deadline - Now();
    if (left <= 0) return ETIMEDOUT;
    pollfd asked{socket, POLLIN, 0};
    const int ready = poll(&asked, 1, static_cast<int>(left));
    if (ready > 0) return 0;
    if (ready < 0 && errno != EINTR) return errno;
  }
}

// One message with one descriptor.
int TakeOne(int socket, int* taken) {
  char byte;
  iovec slice{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = &slice;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (got < 0) return errno;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (got == 0) return ECONNRESET;
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int)))
    return EPROTO;
  memcpy(taken, CMSG_DATA(header), sizeof(int));
  return 0;
}

}  // namespace

int MakeHandover(int* own, int* other) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return errno;
  *own = pair[0];
  *other = pair[1];
  return 0;
}

int TakeDescriptors(int socket, size_t count, int timeout_ms, std::vector<int>* taken) {
  const int64_t deadline = Now() + timeout_ms;
  while (taken->size() < count) {
    int error = AwaitReadable(socket, deadline);
    int fd = -1;
    if (error == 0) error = TakeOne(socket, &fd);
    if (error == EINTR || error == EAGAIN) continue;
    if (error != 0) return error;
    taken->push_back(fd);
  }
  return 0;
}

}  // namespace castellan
