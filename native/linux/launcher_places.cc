// What stands on the disk for as long as a collected run does: see placeholder_place.h. On the launcher
// thread.
#include <chrono>
#include <utility>

#include "launcher_child.h"
#include "placeholder_place.h"

namespace castellan {
namespace {

constexpr int kLastMs = 2000;

}  // namespace

// The guard hears of each place before it is made, so that no moment is left in which a killed host leaves
// something behind.
bool Launcher::PutPlaces(const RunRequest& request, std::vector<Placeholder>* standing) {
  bool all = true;
  for (size_t i = 0; all && i < request.places.size(); i++) {
    const std::string& path = request.places[i];
    all = NotePlaceholder(true, path) == 0;
    if (!all) break;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      standing_++;
    }
    standing->push_back({path, UniqueFd()});
    all = PutPlaceholder(path, &standing->back().fd);
  }
  for (size_t i = 0; all && i < request.needless.size(); i++) all = CannotBeMade(request.needless[i]);
  if (!all) RemovePlaces(standing);
  return all;
}

void Launcher::RemovePlaces(std::vector<Placeholder>* standing) {
  for (Placeholder& placed : *standing) {
    const bool removed = placed.fd && RemovePlaceholder(placed);
    NotePlaceholder(false, placed.path);
    if (removed) closer_.Close(std::move(placed.fd));
  }
  std::lock_guard<std::mutex> lock(mutex_);
  standing_ -= static_cast<uint32_t>(standing->size());
  standing->clear();
  finished_.notify_all();
}

void Launcher::EndPlacedRuns() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (standing_ == 0) return;
  }
  EndRuns();
  std::unique_lock<std::mutex> lock(mutex_);
  finished_.wait_for(lock, std::chrono::milliseconds(kLastMs), [this] { return standing_ == 0; });
}

}  // namespace castellan
