#include "launch.h"

#include "../common/calls.h"

#ifndef PROC_THREAD_ATTRIBUTE_JOB_LIST
#define PROC_THREAD_ATTRIBUTE_JOB_LIST 0x0002000D
#endif

extern "C" BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG size);

namespace castellan {
namespace {

constexpr DWORD kLimits = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION;
constexpr DWORD kUiLimits = JOB_OBJECT_UILIMIT_DESKTOP | JOB_OBJECT_UILIMIT_EXITWINDOWS |
                            JOB_OBJECT_UILIMIT_GLOBALATOMS | JOB_OBJECT_UILIMIT_HANDLES |
                            JOB_OBJECT_UILIMIT_SYSTEMPARAMETERS | JOB_OBJECT_UILIMIT_DISPLAYSETTINGS;

// The command runs beside the user's windows, not among them. Its programs open the desktop with what the
// token restricts them to, and one of low integrity only when the desktop is labelled low itself. The handle
// stays open until this process ends: a program opens its desktop only some time after it was started.
Failure MakeDesktop(const TokenPlan& plan, const Identities& identities, Text* path) {
  wchar_t station[256];
  DWORD size = 0;
  if (!CALL(FALSE, GetUserObjectInformationW, GetProcessWindowStation(), UOI_NAME, station, sizeof(station),
            &size)) {
    return LastFailure(L"desktop", L"GetUserObjectInformation");
  }
  unsigned char random[8];
  if (!CALL(FALSE, SystemFunction036, random, sizeof(random)))
    return LastFailure(L"desktop", L"RtlGenRandom");
  Text name(L"castellan-");
  for (const unsigned char byte : random) {
    name.Add(L"0123456789abcdef"[byte >> 4]);
    name.Add(L"0123456789abcdef"[byte & 15]);
  }

  Bytes dacl;
  if (!MakeFullAccessList(plan, identities, &dacl)) return LastFailure(L"desktop", L"AddAccessAllowedAce");
  SECURITY_DESCRIPTOR descriptor;
  if (!CALL(FALSE, InitializeSecurityDescriptor, &descriptor, SECURITY_DESCRIPTOR_REVISION) ||
      !CALL(FALSE, SetSecurityDescriptorDacl, &descriptor, TRUE, reinterpret_cast<PACL>(dacl.data()),
            FALSE)) {
    return LastFailure(L"desktop", L"SetSecurityDescriptorDacl");
  }
  const SidBytes low = WellKnownSid(16, SECURITY_MANDATORY_LOW_RID);
  Bytes label;
  label.Resize(sizeof(ACL) + sizeof(SYSTEM_MANDATORY_LABEL_ACE) + low.size());
  if (plan.low) {
    auto* list = reinterpret_cast<PACL>(label.data());
    if (!CALL(FALSE, InitializeAcl, list, static_cast<DWORD>(label.size()), ACL_REVISION) ||
        !CALL(FALSE, AddMandatoryAce, list, ACL_REVISION, 0, SYSTEM_MANDATORY_LABEL_NO_WRITE_UP, low.get()) ||
        !CALL(FALSE, SetSecurityDescriptorSacl, &descriptor, TRUE, list, FALSE)) {
      return LastFailure(L"desktop", L"AddMandatoryAce");
    }
  }
  SECURITY_ATTRIBUTES attributes = {sizeof(attributes), &descriptor, FALSE};
  if (CALL(nullptr, CreateDesktopW, name.z(), nullptr, nullptr, 0, GENERIC_ALL, &attributes) == nullptr) {
    return LastFailure(L"desktop", L"CreateDesktop");
  }
  path->Put(station);
  path->Put(L"\\");
  path->Put(name);
  return {};
}

// What the command's process is made with, besides its token.
class Attributes {
 public:
  Attributes() = default;
  ~Attributes() {
    if (!memory_.empty()) DeleteProcThreadAttributeList(list());
  }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;

  // The handles and the job are read when the process is made: they are this object's.
  Failure Make(const Descriptors& descriptors, HANDLE job);
  LPPROC_THREAD_ATTRIBUTE_LIST list() {
    return reinterpret_cast<LPPROC_THREAD_ATTRIBUTE_LIST>(memory_.data());
  }
  bool inherits() const { return !handles_.empty(); }

 private:
  Bytes memory_;
  List<HANDLE> handles_;
  HANDLE job_ = nullptr;
};

Failure Attributes::Make(const Descriptors& descriptors, HANDLE job) {
  job_ = job;
  if (const Failure failure = descriptors.MakeInheritable(&handles_)) return failure;
  SIZE_T size = 0;
  InitializeProcThreadAttributeList(nullptr, 2, 0, &size);
  Bytes memory;
  memory.Resize(size);
  auto* list = reinterpret_cast<LPPROC_THREAD_ATTRIBUTE_LIST>(memory.data());
  if (!CALL(FALSE, InitializeProcThreadAttributeList, list, 2, 0, &size)) {
    return LastFailure(L"handles", L"InitializeProcThreadAttributeList");
  }
  memory_ = static_cast<Bytes&&>(memory);
  if (!CALL(FALSE, UpdateProcThreadAttribute, list, 0, PROC_THREAD_ATTRIBUTE_JOB_LIST, &job_, sizeof(job_),
            nullptr, nullptr)) {
    return LastFailure(L"job", L"UpdateProcThreadAttribute");
  }
  if (handles_.empty()) return {};
  if (CALL(FALSE, UpdateProcThreadAttribute, list, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, handles_.data(),
           handles_.size() * sizeof(HANDLE), nullptr, nullptr)) {
    return {};
  }
  return LastFailure(L"handles", L"UpdateProcThreadAttribute");
}

// Of a process that has not run yet.
Failure Verify(const Request& request, const Identities& identities, HANDLE job, HANDLE process,
               TokenReport* report) {
  BOOL is_in_job = FALSE;
  if (!CALL(FALSE, IsProcessInJob, process, job, &is_in_job))
    return LastFailure(L"verify-process", L"IsProcessInJob");
  if (!is_in_job) return {L"verify-process", L"the process is not in the job", 0};
  HANDLE token = nullptr;
  if (!CALL(FALSE, OpenProcessToken, process, TOKEN_QUERY, &token)) {
    return LastFailure(L"verify-process", L"OpenProcessToken");
  }
  Failure failure = ReadToken(token, L"verify-process", report);
  CloseHandle(token);
  if (!failure && !report->IsAsPlanned(request.token, identities)) {
    failure = {L"verify-process", L"the process has another token than was planned", 0};
  }
  return failure;
}

}  // namespace

Failure MakeJob(JobKind kind, HANDLE* job) {
  *job = CALL(nullptr, CreateJobObjectW, nullptr, nullptr);
  if (*job == nullptr) return LastFailure(L"job", L"CreateJobObject");
  JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {};
  limits.BasicLimitInformation.LimitFlags = kLimits;
  if (!CALL(FALSE, SetInformationJobObject, *job, JobObjectExtendedLimitInformation, &limits,
            sizeof(limits))) {
    return LastFailure(L"job", L"SetInformationJobObject");
  }
  JOBOBJECT_BASIC_UI_RESTRICTIONS ui = {kUiLimits};
  if (kind == JobKind::kOutermost &&
      !CALL(FALSE, SetInformationJobObject, *job, JobObjectBasicUIRestrictions, &ui, sizeof(ui))) {
    return LastFailure(L"job", L"SetInformationJobObject");
  }
  JOBOBJECT_EXTENDED_LIMIT_INFORMATION found = {};
  if (!CALL(FALSE, QueryInformationJobObject, *job, JobObjectExtendedLimitInformation, &found, sizeof(found),
            nullptr)) {
    return LastFailure(L"job", L"QueryInformationJobObject");
  }
#ifdef CASTELLAN_FAULTS
  // Wine keeps the limits and does not tell them.
  if (Pretends()) return {};
#endif
  if (found.BasicLimitInformation.LimitFlags != kLimits)
    return {L"job", L"the job has other limits than were set", 0};
  return {};
}

Failure Launch(const Request& request, const Identities& identities, HANDLE token, HANDLE job,
               const Descriptors& descriptors, Launched* launched, TokenReport* report) {
  Text desktop;
  if (request.private_desktop) {
    if (const Failure failure = MakeDesktop(request.token, identities, &desktop)) return failure;
  }
  Attributes attributes;
  if (const Failure failure = attributes.Make(descriptors, job)) return failure;

  Bytes block = descriptors.Pack();
  STARTUPINFOEXW startup = {};
  startup.StartupInfo.cb = sizeof(startup);
  startup.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
  startup.StartupInfo.hStdInput = descriptors.At(0);
  startup.StartupInfo.hStdOutput = descriptors.At(1);
  startup.StartupInfo.hStdError = descriptors.At(2);
  startup.StartupInfo.lpReserved2 = block.data();
  startup.StartupInfo.cbReserved2 = static_cast<WORD>(block.size());
  if (request.private_desktop) startup.StartupInfo.lpDesktop = desktop.z();
  startup.lpAttributeList = attributes.list();

  // The system writes into the line.
  Text line;
  line.Put(request.command_line);
  Text environment;
  environment.Put(request.environment);
  constexpr DWORD kFlags = CREATE_SUSPENDED | EXTENDED_STARTUPINFO_PRESENT | CREATE_UNICODE_ENVIRONMENT;
  PROCESS_INFORMATION made = {};
  if (!CALL(FALSE, CreateProcessAsUserW, token, request.program, line.z(), nullptr, nullptr,
            attributes.inherits(), kFlags, environment.data(), request.cwd, &startup.StartupInfo, &made)) {
    return LastFailure(L"create-process", L"CreateProcessAsUser");
  }
  Failure failure = Verify(request, identities, job, made.hProcess, report);
  // One is what a thread that was made suspended, and by nobody else, is held with.
  if (!failure) {
    const DWORD held = CALL(static_cast<DWORD>(-1), ResumeThread, made.hThread);
    if (held == static_cast<DWORD>(-1)) failure = LastFailure(L"resume", L"ResumeThread");
    if (!failure && held != 1) failure = {L"resume", L"the process was held, or let go, by somebody else", 0};
  }
  CloseHandle(made.hThread);
  if (failure) {
    TerminateProcess(made.hProcess, 126);
    TerminateJobObject(job, 126);
    WaitForSingleObject(made.hProcess, INFINITE);
    CloseHandle(made.hProcess);
    return failure;
  }
  *launched = {made.hProcess, made.dwProcessId};
  return {};
}

}  // namespace castellan
