// What a command says and hears: its output, its input, and the records of the helper in between.
//
// A descriptor is always taken out of the epoll before it is closed: a command that is between clone and exec
// still holds a copy, and a stale registration would deliver events for a run that is gone.
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>

#include "helper_record.h"
#include "launcher_child.h"

namespace castellan {
namespace {

constexpr size_t kReadSize = 64 * 1024;
constexpr uint64_t kReportLimit = 4096;

}  // namespace

bool Launcher::Watch(int fd, uint32_t events, uint32_t id, int slot) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = uint64_t{id} << 3 | static_cast<uint64_t>(slot);
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void Launcher::CloseStream(Child& child, int slot) {
  if (!child.descriptors[slot]) return;
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, child.descriptors[slot].get(), nullptr);
  child.descriptors[slot].Reset();
}

void Launcher::ReadStream(const ChildPointer& child, int slot) {
  if (!child->descriptors[slot]) return;
  auto& kept = slot == kSlotOutput   ? child->result.output
               : slot == kSlotErrors ? child->result.errors
                                     : child->result.reported;
  const uint64_t limit = slot == kSlotReport ? kReportLimit : child->limit;
  uint8_t buffer[kReadSize];
  for (;;) {
    const ssize_t got = read(child->descriptors[slot].get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      CloseStream(*child, slot);
      return;
    }
    // Reading goes on beyond the limit, so that the command is not stopped by a full pipe; the rest is
    // dropped.
    uint64_t room = kept.size() < limit ? limit - kept.size() : 0;
    if (slot != kSlotReport)
      room = std::min(room,
                      child->limits.output_bytes - std::min(child->limits.output_bytes, child->output_seen));
    const size_t keep = static_cast<size_t>(std::min(room, static_cast<uint64_t>(got)));
    kept.insert(kept.end(), buffer, buffer + keep);
    if (slot != kSlotReport) {
      child->output_seen += static_cast<size_t>(got);
      if (child->output_seen > child->limits.output_bytes)
        Exceed(*child, FiredLimit::kOutput, child->timeout_signal);
    }
    if (slot == kSlotReport) ReadRecords(*child);
    if (keep < static_cast<size_t>(got)) {
      if (slot == kSlotOutput) child->result.stdout_truncated = true;
      if (slot == kSlotErrors) child->result.stderr_truncated = true;
    }
    if (static_cast<size_t>(got) < sizeof buffer) return;
  }
}

// The records of the helper tell that the command runs and what it is called there, and later its end.
void Launcher::ReadRecords(Child& child) {
  const auto& reported = child.result.reported;
  HelperRecord record;
  std::lock_guard<std::mutex> lock(mutex_);
  for (size_t at = 0; at + sizeof record <= reported.size(); at += sizeof record) {
    memcpy(&record, reported.data() + at, sizeof record);
    if (record.kind == HelperRecord::kStarted) child.command_number = record.values[0];
    if (record.kind == HelperRecord::kEnded) child.all_ended = record.values[2] == 1;
  }
}

void Launcher::WriteInput(const ChildPointer& child) {
  if (!child->descriptors[kSlotInput]) return;
  while (child->input_written < child->input.size()) {
    const ssize_t written =
        write(child->descriptors[kSlotInput].get(), child->input.data() + child->input_written,
              child->input.size() - child->input_written);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) return;
    if (written < 0) break;  // the command does not read it: not an error of ours
    child->input_written += static_cast<size_t>(written);
  }
  CloseStream(*child, kSlotInput);
}

}  // namespace castellan
