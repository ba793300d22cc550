// The launcher's side of the guard: the process that ends every tree when the host dies
// (helper/main.cc).
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "launcher_child.h"
#include "pipe.h"
#include "placeholder.h"

namespace castellan {

Report Launcher::StartGuard(RunRequest request) {
  if (guard_pidfd_) return Report{};
  UniqueFd read_end, write_end;
  if (!MakePipe(&read_end, &write_end)) return Report{Stage::kPipes, errno, -1};
  request.stdio.push_back(read_end.get());
  ChildPointer child;
  const LaunchResult started = Start(request, &child);
  if (!child) return started.report;
  // A guard that is stopped must not stop its host.
  fcntl(write_end.get(), F_SETFL, O_NONBLOCK | fcntl(write_end.get(), F_GETFL));
  guard_pipe_ = std::move(write_end);
  guard_pidfd_ = std::move(child->descriptors[kSlotExit]);
  return Report{};
}

// Where no guard is, or it is gone, nothing removes what a killed host leaves behind, until the next one
// does.
int Launcher::NotePlaceholder(bool made, const std::string& path) {
  if (!guard_pidfd_) return 0;
  const size_t size = path.size() + 1;
  const std::string note = (made ? '+' : '-') + path;
  if (note.size() + 1 > kPlaceholderNoteSize) return ENAMETOOLONG;
  if (made && noted_ + size > kPlaceholderListSize) return ENOBUFS;
  if (write(guard_pipe_.get(), note.c_str(), note.size() + 1) < 0) return errno == EPIPE ? 0 : errno;
  noted_ = made ? noted_ + size : noted_ - std::min(noted_, size);
  return 0;
}

// Told to go without looking for anything: this environment has ended its own trees.
void Launcher::StopGuard() {
  if (!guard_pidfd_) return;
  const char quit = 'q';
  if (write(guard_pipe_.get(), &quit, 1) < 0) { /* it is gone already */
  }
  guard_pipe_.Reset();
  siginfo_t ignored;
  for (int i = 0; i < 200; i++) {
    ignored.si_pid = 0;
    const int result = waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(guard_pidfd_.get()), &ignored,
                              WEXITED | WNOHANG);
    if (result != 0 || ignored.si_pid != 0) break;
    usleep(1000);
  }
}

}  // namespace castellan
