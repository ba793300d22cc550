// See confine_process.h.
#include "confine_process.h"

#include "syscalls.h"

namespace castellan {
namespace {

constexpr unsigned kLandlockAllThreads = 8;  // LANDLOCK_RESTRICT_SELF_TSYNC

Confinement Failed(Stage stage, long result) {
  return Confinement{{stage, static_cast<int32_t>(-result), -1}, false};
}

bool HasCapabilities() {
  sys::CapabilityHeader header{0x20080522, 0};
  sys::CapabilityData data[2] = {};
  if (sys::Call(__NR_capget, sys::Word(&header), sys::Word(data)) < 0) return true;
  return (data[0].permitted | data[1].permitted | data[0].effective | data[1].effective) != 0;
}

Confinement CarryOut(const PlanView& plan) {
  if (HasCapabilities()) return Failed(Stage::kCapabilities, -sys::kEPERM);
  Confinement confinement{};
  const int ruleset = MakeLandlockRuleset(plan, &confinement.report);
  if (ruleset < 0) return confinement;
  // Of the calling thread; the two calls below hand it on to the others.
  long result = sys::Prctl(38 /* PR_SET_NO_NEW_PRIVS */, 1);
  if (result < 0) {
    sys::Close(ruleset);
    return Failed(Stage::kNoNewPrivileges, result);
  }
  // TSYNC, and an error instead of the number of the thread that could not be brought along (Linux 5.7).
  const sys::FilterProgram program{static_cast<uint16_t>(plan.header->filter_count), plan.filter};
  result = sys::Call(__NR_seccomp, 1 /* SECCOMP_SET_MODE_FILTER */, 1 | 16, sys::Word(&program));
  if (result != 0) {
    sys::Close(ruleset);
    return Failed(Stage::kFilter, result < 0 ? result : -sys::kEINVAL);
  }
  confinement.partly = !RestrictWithLandlock(ruleset, kLandlockAllThreads, &confinement.report);
  return confinement;
}

}  // namespace

Confinement ConfineProcess(const PlanView& plan) {
  const PlanHeader& header = *plan.header;
  constexpr uint32_t kWanted = kNoNewPrivileges | kLandlock;
  if (header.flags != kWanted || header.mounts_count != 0 || header.filter_count == 0) {
    return Failed(Stage::kImage, -sys::kEINVAL);
  }
  sys::ArmFaults();
  const Confinement confinement = CarryOut(plan);
  sys::DisarmFaults();
  return confinement;
}

}  // namespace castellan
