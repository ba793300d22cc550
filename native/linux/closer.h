// Closes descriptors whose last close takes long: the inode of a removed directory goes with it, for which a
// journal may take milliseconds.
#ifndef CASTELLAN_LINUX_CLOSER_H_
#define CASTELLAN_LINUX_CLOSER_H_

#include <pthread.h>

#include <condition_variable>
#include <mutex>
#include <vector>

#include "../unique_fd.h"

namespace castellan {

class Closer {
 public:
  Closer() = default;
  // Returns when everything is closed.
  ~Closer();
  Closer(const Closer&) = delete;
  Closer& operator=(const Closer&) = delete;

  // From any thread. The first call starts a thread; where none can be started, closes at once.
  void Close(UniqueFd fd);

 private:
  void Loop();

  pthread_t thread_{};
  bool started_ = false;
  std::mutex mutex_;
  std::condition_variable given_;
  std::vector<UniqueFd> waiting_;
  bool stopping_ = false;
};

}  // namespace castellan

#endif  // CASTELLAN_LINUX_CLOSER_H_
