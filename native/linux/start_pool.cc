// See start_pool.h.
#include "start_pool.h"

#include <signal.h>

#include <utility>

namespace castellan {
namespace {

// With the launcher's own: four. More wait for the same locks of the kernel.
constexpr size_t kMostThreads = 3;
constexpr size_t kStackSize = 256 * 1024;

}  // namespace

void StartPool::Help() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (stopping_) return;
  if (idle_ > calls_) {
    calls_++;
    asked_.notify_one();
    return;
  }
  if (threads_.size() == kMostThreads) return;
  const auto run = [](void* pool) -> void* {
    static_cast<StartPool*>(pool)->Loop();
    return nullptr;
  };
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return;
  pthread_attr_setstacksize(&attributes, kStackSize);
  pthread_t thread;
  // Not std::thread, which ends the process where there can be no further thread.
  if (pthread_create(&thread, &attributes, run, this) == 0) threads_.push_back(thread);
  pthread_attr_destroy(&attributes);
}

void StartPool::Stop() {
  std::vector<pthread_t> threads;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
  }
  asked_.notify_all();
  for (const pthread_t thread : threads) pthread_join(thread, nullptr);
}

void StartPool::Loop() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  for (;;) {
    while (work_()) {
    }
    std::unique_lock<std::mutex> lock(mutex_);
    idle_++;
    asked_.wait(lock, [this] { return stopping_ || calls_ > 0; });
    idle_--;
    if (stopping_) return;
    calls_--;
  }
}

}  // namespace castellan
