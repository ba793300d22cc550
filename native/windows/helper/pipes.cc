#include "pipes.h"

#include "../common/calls.h"

extern "C" BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG size);

namespace castellan {
namespace {

constexpr DWORD kBuffer = 1 << 16;
constexpr DWORD kReads = FILE_READ_DATA | FILE_READ_ATTRIBUTES | SYNCHRONIZE;
// Without FILE_APPEND_DATA, which on a pipe is the right to make another instance of it.
constexpr DWORD kWrites = FILE_WRITE_DATA | FILE_READ_ATTRIBUTES | SYNCHRONIZE;
constexpr size_t kMostRandom = 64;

Text PathOf(const Text& name, const wchar_t* ending) {
  Text path(L"\\\\.\\pipe\\");
  path.Put(name);
  path.Put(ending);
  return path;
}

Failure MakePipe(const Text& path, DWORD direction, const SidBytes& account, DWORD rights, HANDLE* pipe) {
  Bytes bytes;
  bytes.Resize(sizeof(ACL) + sizeof(ACCESS_ALLOWED_ACE) + account.size());
  auto* acl = reinterpret_cast<PACL>(bytes.data());
  SECURITY_DESCRIPTOR descriptor = {};
  if (!CALL(FALSE, InitializeAcl, acl, static_cast<DWORD>(bytes.size()), ACL_REVISION) ||
      !CALL(FALSE, AddAccessAllowedAce, acl, ACL_REVISION, rights, account.get()) ||
      !CALL(FALSE, InitializeSecurityDescriptor, &descriptor, SECURITY_DESCRIPTOR_REVISION) ||
      !CALL(FALSE, SetSecurityDescriptorDacl, &descriptor, TRUE, acl, FALSE)) {
    return LastFailure(L"pipes", L"SetSecurityDescriptorDacl");
  }
  SECURITY_ATTRIBUTES attributes = {sizeof(attributes), &descriptor, FALSE};
  constexpr DWORD kMode = PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS;
  *pipe = CALL(INVALID_HANDLE_VALUE, CreateNamedPipeW, path.z(), direction | FILE_FLAG_FIRST_PIPE_INSTANCE,
               kMode, 1, kBuffer, kBuffer, 0, &attributes);
  return *pipe == INVALID_HANDLE_VALUE ? LastFailure(L"pipes", L"CreateNamedPipe") : Failure();
}

Failure AwaitClientOf(HANDLE pipe, DWORD pid) {
  // It may have come before it was waited for.
  if (!CALL(FALSE, ConnectNamedPipe, pipe, nullptr) && GetLastError() != ERROR_PIPE_CONNECTED) {
    return LastFailure(L"handshake", L"ConnectNamedPipe");
  }
  ULONG client = 0;
  if (!CALL(FALSE, GetNamedPipeClientProcessId, pipe, &client)) {
    return LastFailure(L"handshake", L"GetNamedPipeClientProcessId");
  }
  return client == pid ? Failure() : Failure{L"handshake", L"another process opened the pipe", 0};
}

Failure OpenPipe(const Text& path, DWORD rights, HANDLE* pipe) {
  constexpr DWORD kFlags = SECURITY_SQOS_PRESENT | SECURITY_ANONYMOUS;
  *pipe =
      CALL(INVALID_HANDLE_VALUE, CreateFileW, path.z(), rights, 0, nullptr, OPEN_EXISTING, kFlags, nullptr);
  return *pipe == INVALID_HANDLE_VALUE ? LastFailure(L"handshake", L"CreateFile") : Failure();
}

}  // namespace

Failure MakePipes(const Text& name, const SidBytes& account, Pipes* pipes) {
  const Failure failure = MakePipe(PathOf(name, L"-to"), PIPE_ACCESS_OUTBOUND, account, kReads, &pipes->to);
  return failure ? failure
                 : MakePipe(PathOf(name, L"-from"), PIPE_ACCESS_INBOUND, account, kWrites, &pipes->from);
}

Failure AwaitClient(const Pipes& pipes, DWORD pid) {
  const Failure failure = AwaitClientOf(pipes.from, pid);
  return failure ? failure : AwaitClientOf(pipes.to, pid);
}

Failure OpenPipes(const Text& name, Pipes* pipes) {
  const Failure failure = OpenPipe(PathOf(name, L"-from"), kWrites, &pipes->from);
  return failure ? failure : OpenPipe(PathOf(name, L"-to"), kReads, &pipes->to);
}

Failure PutRandom(size_t count, Text* text) {
  unsigned char bytes[kMostRandom];
  if (count > kMostRandom ||
      !CALL(static_cast<BOOLEAN>(FALSE), SystemFunction036, bytes, static_cast<ULONG>(count))) {
    return {L"pipes", L"RtlGenRandom", ERROR_GEN_FAILURE};
  }
  for (size_t index = 0; index < count; index++) {
    text->Add(L"0123456789abcdef"[bytes[index] >> 4]);
    text->Add(L"0123456789abcdef"[bytes[index] & 15]);
  }
  SecureZeroMemory(bytes, sizeof(bytes));
  return {};
}

}  // namespace castellan
