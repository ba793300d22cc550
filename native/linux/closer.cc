// See closer.h.
#include "closer.h"

#include <signal.h>

#include <utility>

namespace castellan {

Closer::~Closer() {
  if (!started_) return;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  given_.notify_one();
  pthread_join(thread_, nullptr);
}

// Not std::thread, which ends the process where there can be no further thread.
void Closer::Close(UniqueFd fd) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!started_) {
      const auto run = [](void* closer) -> void* {
        static_cast<Closer*>(closer)->Loop();
        return nullptr;
      };
      started_ = pthread_create(&thread_, nullptr, run, this) == 0;
    }
    if (!started_) return;
    waiting_.push_back(std::move(fd));
  }
  given_.notify_one();
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
