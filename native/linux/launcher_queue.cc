// Runs that wait for their start, which the launcher thread and those of the pool take one by one.
#include <errno.h>
#include <signal.h>

#include <utility>

#include "launcher_child.h"

namespace castellan {

void Launcher::SetStarting(bool starting) {
  std::lock_guard<std::mutex> lock(mutex_);
  launcher_starts_ = starting;
}

// False when none waits. Between `starting_` and `children_` a run is in `launching_`, where whoever ends it
// leaves word.
bool Launcher::StartNext() {
  Waiting waiting;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (waiting_.empty()) return false;
    waiting = std::move(waiting_.front());
    waiting_.pop_front();
    if (starting_.erase(waiting.id) == 0)
      waiting.unusable = Report{Stage::kClone, ECANCELED, -1};  // ended before it began
    else
      launching_.emplace(waiting.id, std::nullopt);
  }
  ChildPointer child;
  std::vector<Placeholder> standing;
  const Report report = StartWaiting(waiting, &child, &standing);
  if (!child) {
    Post([this, id = waiting.id, report,
          left = std::make_shared<std::vector<Placeholder>>(std::move(standing))] {
      RemovePlaces(left.get());
      RunResult result;
      result.id = id;
      result.report = report;
      done_.push_back(std::move(result));
    });
  } else {
    child->places = std::move(standing);
    Adopt(child);
  }
  std::optional<Ending> ending;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto found = launching_.find(waiting.id);
    if (found != launching_.end()) {
      ending = found->second;
      launching_.erase(found);
    }
  }
  if (ending) Terminate(waiting.id, ending->signal, ending->grace_ms);
  return true;
}

Report Launcher::StartWaiting(Waiting& waiting, ChildPointer* child, std::vector<Placeholder>* standing) {
  RunRequest& request = waiting.request;
  if (waiting.unusable.stage != Stage::kNone) return waiting.unusable;
  const Report guard = EnsureGuard();
  if (guard.stage != Stage::kNone) return guard;
  if (request.stamps && !request.stamps->Unchanged()) return Report{Stage::kChanged, EAGAIN, -1};
  if (!PutPlaces(request, standing)) return Report{Stage::kPlaceholder, EAGAIN, -1};
  return Start(request, child, waiting.id).report;
}

// What waits is not started, and what is on its way is ended when it is there. The caller holds mutex_.
void Launcher::EndWaiting() {
  starting_.clear();
  for (auto& [id, ending] : launching_) ending = Ending{SIGKILL, 0};
}

void Launcher::Terminate(uint32_t id, int signal, int64_t grace_ms) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (starting_.erase(id) != 0) return;
    const auto launching = launching_.find(id);
    if (launching != launching_.end()) {
      launching->second = Ending{signal, grace_ms};
      return;
    }
  }
  Post([this, id, signal, grace_ms] {
    if (const ChildPointer child = Find(id)) BeginTermination(*child, signal, grace_ms);
  });
}

}  // namespace castellan
