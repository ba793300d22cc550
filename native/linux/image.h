// The two byte images that TypeScript hands to native code (twin: lib/backend/linux/image.ts).
//
// The plan image holds what a plan asks for: mount operations, Landlock rules, the filter. It is immutable
// and shared by every run of a plan. The request image holds one run: program candidates, argv, environment,
// directory, marks. All numbers are little endian; all strings are NUL-terminated and named by their offset
// from the start of the image.
//
// Readers check every offset before use: memory safety does not rest on the TypeScript side. No libc here:
// the helper program reads the same images.
#ifndef CASTELLAN_LINUX_IMAGE_H_
#define CASTELLAN_LINUX_IMAGE_H_

#include <stddef.h>
#include <stdint.h>

namespace castellan {

constexpr uint32_t kPlanMagic = 0x4e4c5043;     // "CPLN"
constexpr uint32_t kRequestMagic = 0x51455243;  // "CREQ"
constexpr uint32_t kImageVersion = 1;

enum PlanFlag : uint32_t {
  kNamespaces = 1,        // user and mount namespace
  kOwnPid = 2,            // PID namespace
  kOwnIpc = 4,            // IPC namespace
  kOwnNet = 8,            // network namespace
  kNoNewPrivileges = 16,  // and drop every capability
  kLandlock = 32,
  kMountsMade = 64,  // by whoever confined this process: they are looked after, nothing else
};

struct PlanHeader {
  uint32_t magic, version, size, flags;
  uint32_t mounts_offset, mounts_count;
  uint32_t rules_offset, rules_count;
  uint32_t filter_offset, filter_count;
  uint64_t handled_access_fs, handled_access_net, scoped;
  uint32_t landlock_abi, reserved;
};

enum MountKind : uint32_t {
  kHostTree = 0,
  kEmptyRoot = 1,
  kBind = 2,
  kMaskDirectory = 3,
  kMaskFile = 4,
  kMakeDirectory = 5,
  kMakeFile = 6,
  kMakeSymlink = 7,
  kSeal = 8,
  kDevices = 9,
  kProcessFiles = 10,
  kMaskMissing = 11,
  kMountKinds = 12,
};

enum MountFlag : uint32_t {
  kWritable = 1,  // kHostTree, kBind
  kFile = 2,      // kBind
  kPassable = 4,  // kMaskDirectory
  kPinned = 8,    // device and inode must match what stands at the path
  kTakeFirst =
      16,  // kBind: the source will be hidden by an earlier operation, so it is taken before all of them
};

struct MountRecord {
  uint32_t kind, flags;
  uint32_t source, target;  // kMakeSymlink: source is the link's text
  uint32_t device_major, device_minor;
  uint64_t inode;
};

enum RuleFlag : uint32_t {
  kOptional = 1,  // a path that is not there is left out
};

struct RuleRecord {
  uint32_t path, flags;
  uint64_t allowed_access;
};

enum RequestFlag : uint32_t {
  kNewSession = 1,
  kNewGroup = 2,
  kTagged = 4,  // the launcher fills in `tag`
};

// What the kernel holds each process to, in this order in a request.
enum Limit : int {
  kLimitCpu = 0,    // RLIMIT_CPU, seconds
  kLimitData = 1,   // RLIMIT_DATA, bytes
  kLimitTasks = 2,  // RLIMIT_NPROC
  kLimitFiles = 3,  // RLIMIT_NOFILE
  kLimitSize = 4,   // RLIMIT_FSIZE, bytes
  kLimits = 5,
};
constexpr uint64_t kNoLimit = ~0ull;
constexpr uint32_t kSameMask = ~0u;

struct RequestHeader {
  uint32_t magic, version, size, flags;
  uint32_t candidates_offset, candidates_count;  // programs to try, in order
  uint32_t argv_offset, argv_count;
  uint32_t env_offset, env_count;
  uint32_t working_directory;
  uint32_t file_mode_mask = kSameMask;  // umask(2)
  uint64_t tag;                         // RLIMIT_RTTIME mark of the run; 0: none
  uint64_t limits[kLimits] = {kNoLimit, kNoLimit, kNoLimit, kNoLimit, kNoLimit};
  int32_t oom_score_adjust = 0;  // at least this much; less than the host's own changes nothing
  uint32_t reserved = 0;
};

struct PlanView {
  const uint8_t* data;
  const PlanHeader* header;
  const MountRecord* mounts;
  const RuleRecord* rules;
  const uint8_t* filter;

  const char* Text(uint32_t offset) const { return reinterpret_cast<const char*>(data) + offset; }
};

struct RequestView {
  const uint8_t* data;
  const RequestHeader* header;
  const uint32_t* candidates;
  const uint32_t* argv;
  const uint32_t* env;

  const char* Text(uint32_t offset) const { return reinterpret_cast<const char*>(data) + offset; }
};

// True when [offset, offset + count * item) lies in an image of `size` bytes and is aligned to `alignment`.
inline bool RangeFits(uint64_t size, uint64_t offset, uint64_t count, uint64_t item, uint64_t alignment) {
  if (offset % alignment != 0 || offset > size) return false;
  return count <= (size - offset) / item;
}

// Every string of an image is terminated because its last byte is NUL and each offset lies inside it.
inline bool TextFits(uint64_t size, uint32_t offset) {
  return offset < size;
}

inline bool ReadPlan(const uint8_t* data, size_t size, PlanView* out) {
  if (size < sizeof(PlanHeader) || reinterpret_cast<uintptr_t>(data) % 8 != 0) return false;
  const auto* header = reinterpret_cast<const PlanHeader*>(data);
  if (header->magic != kPlanMagic || header->version != kImageVersion || header->size != size) return false;
  if (data[size - 1] != 0) return false;
  if (!RangeFits(size, header->mounts_offset, header->mounts_count, sizeof(MountRecord), 8)) return false;
  if (!RangeFits(size, header->rules_offset, header->rules_count, sizeof(RuleRecord), 8)) return false;
  if (!RangeFits(size, header->filter_offset, header->filter_count, 8, 8)) return false;
  if (header->filter_count > 4096) return false;
  *out = PlanView{data, header, reinterpret_cast<const MountRecord*>(data + header->mounts_offset),
                  reinterpret_cast<const RuleRecord*>(data + header->rules_offset),
                  data + header->filter_offset};
  for (uint32_t i = 0; i < header->mounts_count; i++) {
    const MountRecord& record = out->mounts[i];
    if (record.kind >= kMountKinds || !TextFits(size, record.source) || !TextFits(size, record.target))
      return false;
  }
  for (uint32_t i = 0; i < header->rules_count; i++) {
    if (!TextFits(size, out->rules[i].path)) return false;
  }
  return true;
}

inline bool ReadRequest(const uint8_t* data, size_t size, RequestView* out) {
  if (size < sizeof(RequestHeader) || reinterpret_cast<uintptr_t>(data) % 8 != 0) return false;
  const auto* header = reinterpret_cast<const RequestHeader*>(data);
  if (header->magic != kRequestMagic || header->version != kImageVersion || header->size != size)
    return false;
  if (data[size - 1] != 0 || !TextFits(size, header->working_directory)) return false;
  const uint32_t offsets[] = {header->candidates_offset, header->argv_offset, header->env_offset};
  const uint32_t counts[] = {header->candidates_count, header->argv_count, header->env_count};
  for (int list = 0; list < 3; list++) {
    if (!RangeFits(size, offsets[list], counts[list], 4, 4)) return false;
    const auto* texts = reinterpret_cast<const uint32_t*>(data + offsets[list]);
    for (uint32_t i = 0; i < counts[list]; i++) {
      if (!TextFits(size, texts[i])) return false;
    }
  }
  if (header->candidates_count == 0 || header->argv_count == 0) return false;
  *out = RequestView{data, header, reinterpret_cast<const uint32_t*>(data + header->candidates_offset),
                     reinterpret_cast<const uint32_t*>(data + header->argv_offset),
                     reinterpret_cast<const uint32_t*>(data + header->env_offset)};
  return true;
}

}  // namespace castellan

#endif  // CASTELLAN_LINUX_IMAGE_H_
