// The launcher of one Node environment: a thread with its own epoll that starts commands, collects their
// output, takes their exit and ends their process trees. Nothing here knows Node-API; the addon gives a
// callback for finished work.
#ifndef CASTELLAN_LINUX_LAUNCHER_H_
#define CASTELLAN_LINUX_LAUNCHER_H_

#include <stdint.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "child.h"
#include "closer.h"
#include "last_process.h"
#include "path_stamps.h"
#include "start_pool.h"
#include "placeholder_place.h"
#include "tag.h"
#include "../unique_fd.h"

namespace castellan {

// A validated plan image, shared by all runs of the plan.
struct Plan {
  std::vector<uint64_t> storage;  // 8-byte aligned copy
  PlanView view;
};

// How one descriptor of the child is provided.
enum class Stdio : int32_t {
  kNull = -1,       // /dev/null
  kReadPipe = -2,   // the child writes, the host reads
  kWritePipe = -3,  // the child reads, the host writes
  kSocket = -4,     // both directions (descriptors above 2 only)
  kHelper = -5,     // the helper program, for /proc/self/fd/N
  // >= 0: a descriptor of the host, which stays open there
};

// What the launcher holds the whole tree of a run to; kNoLimit: nothing.
struct TreeLimits {
  uint64_t memory = kNoLimit;  // resident bytes
  uint64_t cpu_ms = kNoLimit;
  uint64_t tasks = kNoLimit;         // processes and threads
  uint64_t output_bytes = kNoLimit;  // of both streams together, where they are collected

  bool watched() const { return memory != kNoLimit || cpu_ms != kNoLimit || tasks != kNoLimit; }
};

// The limit that ended a run. In this order in lib/process/limit-names.ts.
enum class FiredLimit : int32_t { kNone = 0, kWallClock = 1, kCpu = 2, kMemory = 3, kTasks = 4, kOutput = 5 };

struct RunRequest {
  std::shared_ptr<const Plan> plan;
  std::vector<uint64_t> request;  // 8-byte aligned copy of the request image
  size_t request_size = 0;
  std::vector<int32_t> stdio;
  bool collect = false;        // read descriptors 1 and 2 here; otherwise the host gets the pipe ends
  std::vector<uint8_t> input;  // written to descriptor 0 when it is a kWritePipe and collect is set
  uint64_t output_limit = 0;   // bytes kept of each stream
  int64_t timeout_ms = 0;      // 0: none
  int64_t grace_ms = 0;        // between SIGTERM and SIGKILL
  int32_t timeout_signal = 15;
  TreeLimits limits;
  // For Run: where a placeholder stands as long as the run does, and where none can be made.
  std::vector<std::string> places, needless;
  std::shared_ptr<const PathStamps> stamps;  // For Run: what must still stand there. Null: nothing.
  bool end_tree_on_exit = true;              // background processes end with the command
  bool end_tree_first = false;               // and before its end is told, not soon after
  std::vector<UniqueFd> kept;      // owned copies of descriptors of the host, for a start that comes later
  int32_t report_descriptor = -1;  // the child's descriptor that carries a report from the helper; -1: none
};

struct RunResult {
  uint32_t id = 0;
  int pid = -1;
  Report report;       // stage kNone: the command was executed
  int exit_code = -1;  // -1: ended by a signal, or unknown
  int signal = 0;
  bool timed_out = false;
  FiredLimit limit = FiredLimit::kNone;
  bool stdout_truncated = false, stderr_truncated = false;
  bool exit_unknown = false;  // something else in the host took the exit status
  std::vector<uint8_t> output, errors;
  std::vector<uint8_t> reported;  // what came through report_descriptor
};

struct LaunchResult {
  uint32_t id = 0;
  int pid = -1;
  Report report;
  std::vector<int> host_ends;  // one per stdio entry; -1 where the host has none
};

class Launcher {
 public:
  using Deliver = std::function<void(std::vector<RunResult>&&)>;

  explicit Launcher(Deliver deliver);
  ~Launcher();
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;

  // Starts in place: blocks the caller until the command executes or fails. The result of the run is
  // delivered later.
  LaunchResult Spawn(RunRequest request);
  // Starts on the launcher thread; everything is delivered.
  uint32_t Run(RunRequest request);
  // Starts in place and waits for the end.
  RunResult RunAndWait(RunRequest request);
  // Sends a signal to the command itself. Returns 0 or -errno (-ESRCH once it ended).
  long Signal(uint32_t id, int signal);
  // Ends the whole tree: `signal` now, SIGKILL after the grace period.
  void Terminate(uint32_t id, int signal, int64_t grace_ms);
  // The process that ends every tree when the host dies. When it is gone itself, another one is started; when
  // that cannot be done, every run ends, and none starts before one is there again.
  Report StartGuard(RunRequest request);
  // Tells the guard of a placeholder that was made or removed. 0, or an errno when it cannot be told of more.
  int NotePlaceholder(bool made, const std::string& path);
  // Ends every process of every run, and returns when that is done. Runs that wait for their start do not
  // start.
  void EndRuns();
  // The same when a run has something on the disk (RunRequest::places), and returns when that is gone; for
  // the end of the process.
  void EndPlacedRuns();
  // A descriptor of the sealed in-memory copy of the helper program, or -errno. Owned by the launcher.
  int HelperDescriptor();
  uint64_t host_tag() const { return host_tag_; }
  uint32_t active() const;

 private:
  struct Child;
  using ChildPointer = std::shared_ptr<Child>;
  // Given to Run, not started yet.
  struct Waiting {
    uint32_t id = 0;
    RunRequest request;
    Report unusable;  // it cannot be started, whatever there is
  };
  // How a run is to be ended once it is there.
  struct Ending {
    int signal;
    int64_t grace_ms;
  };

  uint32_t NextId();
  LaunchResult Start(RunRequest& request, ChildPointer* child, uint32_t id = 0);
  bool ProvideDescriptors(const RunRequest& request, struct Descriptors* descriptors, Report* report);
  Report StartGuardAgain();
  Report EnsureGuard();
  void ReplaceGuard();
  void ForgetRemovedPlaceholders();
  int TellGuard(const std::string& note);
  void StopGuard();
  bool PutPlaces(const RunRequest& request, std::vector<Placeholder>* standing);
  void RemovePlaces(std::vector<Placeholder>* standing);
  void WatchLeftGuards();
  static void TakeExitsOfLeftGuards();
  void Adopt(const ChildPointer& child);
  void Post(std::function<void()> command);
  ChildPointer Find(uint32_t id) const;
  void Loop();
  void Wake();
  void Handle(uint64_t key);
  void TakeCommands();
  void SetStarting(bool starting);
  bool StartNext();
  void EndWaiting();
  Report StartWaiting(Waiting& waiting, ChildPointer* child, std::vector<Placeholder>* standing);
  void StopEverything();
  void OnExit(const ChildPointer& child);
  void ReadStream(const ChildPointer& child, int stream);
  bool AwaitCommand(Child& child, Report* report);
  void ReadRecords(Child& child);
  void FindCommand(Child& child) const;
  void WriteInput(const ChildPointer& child);
  void FinishIfDone(const ChildPointer& child);
  void Finish(const ChildPointer& child);
  void AwaitHelper(Child& child);
  void TakeHelperExit(uint32_t id);
  void CheckDeadlines();
  void LookAtTrees(int64_t now);
  void Judge(Child& child, const std::vector<struct ProcessUsage>& tree);
  void Exceed(Child& child, FiredLimit limit, int signal);
  template <typename Through>
  long Look(Through through);
  long EndTree(const Child& child);
  void SignalTree(Child& child, int signal);
  void BeginTermination(Child& child, int signal, int64_t grace_ms);
  void Sweep();
  int64_t NextTimeout() const;
  void Flush();
  void CloseStream(Child& child, int stream);
  bool Watch(int fd, uint32_t events, uint32_t id, int slot);

  Deliver deliver_;
  uint64_t host_tag_;
  int oom_score_adjust_;  // the host's own
  UniqueFd epoll_, wakeup_, helper_;
  const LastProcess last_process_;
  Closer closer_;
  StartPool pool_;
  std::thread thread_;

  // Taken before mutex_ where both are.
  std::mutex guard_mutex_;
  UniqueFd guard_pipe_, guard_pidfd_;
  RunRequest guard_request_;  // what a guard is started with; no plan: none is wanted
  struct Noted {
    std::string path;
    int users;
  };
  std::vector<Noted> noted_;  // placeholders that the guard keeps in mind
  size_t noted_size_ = 0;     // in bytes, with their NULs

  mutable std::mutex mutex_;
  std::condition_variable finished_;
  bool stopping_ = false;
  uint32_t next_id_ = 1;
  std::deque<Waiting> waiting_;
  std::unordered_set<uint32_t> starting_;                          // those of waiting_ that nobody has ended
  std::unordered_map<uint32_t, std::optional<Ending>> launching_;  // on their way from there to children_
  bool launcher_starts_ = false;
  std::vector<std::function<void()>> commands_;
  std::unordered_map<uint32_t, ChildPointer> children_;     // guarded by mutex_
  uint32_t standing_ = 0;                                   // placeholders of runs; guarded by mutex_
  std::unordered_map<uint32_t, RunResult> waited_;          // results of RunAndWait
  std::atomic<uint64_t> starts_begun_{0}, starts_done_{0};  // on all threads
  // Launcher thread only:
  std::vector<RunResult> done_;
  std::unordered_map<uint32_t, UniqueFd> ending_;  // helpers of finished runs whose exits were not taken yet
  std::vector<uint64_t> ended_tags_;
  Unmarked unmarked_;
  int64_t sweep_at_ = 0;
  bool survivors_ = false;  // a run ended whose background processes may live as long as the host
};

}  // namespace castellan

#endif  // CASTELLAN_LINUX_LAUNCHER_H_
