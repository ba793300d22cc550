// Threads that start commands beside the launcher thread while more than one waits: a start blocks its thread
// until the command is executed, most of which is the kernel's work for another processor.
#ifndef CASTELLAN_LINUX_START_POOL_H_
#define CASTELLAN_LINUX_START_POOL_H_

#include <pthread.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <vector>

namespace castellan {

class StartPool {
 public:
  // `work`: does one piece of what waits, on one of the threads; false when nothing does.
  explicit StartPool(std::function<bool()> work) : work_(std::move(work)) {}
  ~StartPool() { Stop(); }
  StartPool(const StartPool&) = delete;
  StartPool& operator=(const StartPool&) = delete;

  // Something waits, and nobody is free for it. Wakes a thread, or starts one; where none can be started, or
  // all are at work, it is left to those who are.
  void Help();

  // Returns when no thread is left; what they were at is done. Help does nothing afterwards.
  void Stop();

 private:
  void Loop();

  const std::function<bool()> work_;
  std::mutex mutex_;
  std::condition_variable asked_;
  std::vector<pthread_t> threads_;
  int idle_ = 0, calls_ = 0;
  bool stopping_ = false;
};

}  // namespace castellan

#endif  // CASTELLAN_LINUX_START_POOL_H_
