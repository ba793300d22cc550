// See closer.h.
#include "closer.h"

#include <signal.h>

#include <utility>

namespace castellan {

Closer::~Closer() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  given_.notify_one();
  thread_.join();
}

void Closer::Close(UniqueFd fd) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    waiting_.push_back(std::move(fd));
  }
  given_.notify_one();
  if (!thread_.joinable()) thread_ = std::thread([this] { Loop(); });
}

void Closer::Loop() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    given_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    std::vector<UniqueFd> closing;
    closing.swap(waiting_);
    lock.unlock();
    closing.clear();
    lock.lock();
  }
}

}  // namespace castellan
