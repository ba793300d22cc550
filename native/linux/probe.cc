// See probe.h.
#include "probe.h"

#include <unistd.h>

#include <vector>

#include "clone.h"
#include "syscalls.h"

namespace castellan {
namespace {

struct ProbeRequest {
  RequestHeader header;
  uint32_t texts[2];
  char text[8];
};

}  // namespace

long ProbeLandlockAbi() {
  return sys::CreateLandlockRuleset(nullptr, 0, 1 /* LANDLOCK_CREATE_RULESET_VERSION */);
}

Report ProbePlan(const Plan& plan) {
  // A program that cannot exist: when only the execution fails, everything before it succeeded.
  alignas(8) ProbeRequest image{};
  image.header.working_directory = offsetof(ProbeRequest, text);
  image.text[0] = '/';
  Launch launch{};
  launch.plan = plan.view;
  launch.request.data = reinterpret_cast<const uint8_t*>(&image);
  launch.request.header = &image.header;
  const char* const none[] = {nullptr};
  const char* argv[] = {nullptr, "probe", nullptr};
  launch.candidates = none;
  launch.argv = argv + 1;
  launch.envp = none;
  std::vector<int> trees(plan.view.header->mounts_count, -1);
  launch.trees = trees.data();
  launch.namespaces_made = true;
  launch.user_id = geteuid();
  launch.group_id = getegid();
  Report report = StartChild(launch).report;
  return report.stage == Stage::kExec ? Report{} : report;
}

}  // namespace castellan
