#include "objects.h"

namespace castellan {
namespace {

constexpr DWORD kPersistentAcls = 0x8;

// With the prefix that turns off the limit of 260 units, and with it every change to the path by the system.
Text LongPath(const wchar_t* path) {
  Text whole;
  const bool is_share = path[0] == L'\\' && path[1] == L'\\';
  const bool is_long = is_share && path[2] == L'?' && path[3] == L'\\';
  if (!is_long) whole.Put(is_share ? L"\\\\?\\UNC" : L"\\\\?\\");
  whole.Put(!is_long && is_share ? path + 1 : path);
  for (wchar_t& unit : whole) {
    if (unit == L'/') unit = L'\\';
  }
  return whole;
}

void PutDigits(const unsigned char* bytes, size_t count, wchar_t* digits) {
  for (size_t index = 0; index < count; index++) {
    digits[2 * index] = L"0123456789abcdef"[bytes[index] >> 4];
    digits[2 * index + 1] = L"0123456789abcdef"[bytes[index] & 15];
  }
  digits[2 * count] = 0;
}

Outcome FinalPath(HANDLE object, Text* path) {
  const DWORD size = GetFinalPathNameByHandleW(object, nullptr, 0, FILE_NAME_NORMALIZED);
  if (size == 0) return FailedCall(L"GetFinalPathNameByHandle");
  Text whole;
  whole.Resize(size + 1);
  const DWORD length = GetFinalPathNameByHandleW(object, whole.data(), size + 1, FILE_NAME_NORMALIZED);
  if (length == 0 || length > size) return FailedCall(L"GetFinalPathNameByHandle");
  whole.Resize(length);
  const wchar_t* text = whole.z();
  const bool is_long = text[0] == L'\\' && text[1] == L'\\' && text[2] == L'?' && text[3] == L'\\';
  if (!is_long) {
    path->Put(text);
    return {};
  }
  text += 4;
  if (text[0] == L'U' && text[1] == L'N' && text[2] == L'C' && text[3] == L'\\') {
    path->Put(L"\\");
    text += 3;
  }
  path->Put(text);
  return {};
}

Outcome Describe(const wchar_t* path, Js js, napi_value answer) {
  Handle object;
  if (const Outcome outcome = object.Open(path, FILE_READ_ATTRIBUTES); outcome.call != nullptr)
    return outcome;
  Text final_path;
  if (const Outcome outcome = FinalPath(object.get(), &final_path); outcome.call != nullptr) return outcome;
  Identity identity = {};
  if (const Outcome outcome = IdentityOf(object.get(), &identity); outcome.call != nullptr) return outcome;
  FILE_ATTRIBUTE_TAG_INFO tag = {};
  if (!GetFileInformationByHandleEx(object.get(), FileAttributeTagInfo, &tag, sizeof(tag))) {
    return FailedCall(L"GetFileInformationByHandleEx");
  }
  DWORD flags = 0;
  if (!GetVolumeInformationByHandleW(object.get(), nullptr, 0, nullptr, nullptr, &flags, nullptr, 0)) {
    return FailedCall(L"GetVolumeInformationByHandle");
  }
  const bool is_link = (tag.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0;
  js.Set(answer, "finalPath", js.String(final_path.z()));
  js.Set(answer, "file", js.String(identity.file));
  js.Set(answer, "volume", js.String(identity.volume));
  js.Set(answer, "directory", js.Bool((tag.FileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0));
  js.Set(answer, "reparseTag", js.Number(is_link ? tag.ReparseTag : 0));
  js.Set(answer, "hasAcls", js.Bool((flags & kPersistentAcls) != 0));
  return {};
}

}  // namespace

Outcome Handle::Open(const wchar_t* path, DWORD access) {
  const Text whole = LongPath(path);
  constexpr DWORD kShare = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
  constexpr DWORD kFlags = FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT;
  handle_ = CreateFileW(whole.z(), access, kShare, nullptr, OPEN_EXISTING, kFlags, nullptr);
  return handle_ == INVALID_HANDLE_VALUE ? FailedCall(L"CreateFile") : Outcome();
}

Outcome IdentityOf(HANDLE object, Identity* identity) {
  FILE_ID_INFO found = {};
  if (!GetFileInformationByHandleEx(object, FileIdInfo, &found, sizeof(found))) {
    return FailedCall(L"GetFileInformationByHandleEx");
  }
  PutDigits(found.FileId.Identifier, sizeof(found.FileId.Identifier), identity->file);
  unsigned char volume[8];
  for (int index = 0; index < 8; index++) {
    volume[index] = static_cast<unsigned char>(found.VolumeSerialNumber >> (56 - 8 * index));
  }
  PutDigits(volume, sizeof(volume), identity->volume);
  return {};
}

napi_value DescribeObject(napi_env env, napi_callback_info info) {
  const Js js(env);
  const Arguments arguments(env, info);
  const napi_value answer = js.Object();
  const Outcome outcome = Describe(js.TextOf(arguments.values[0]).z(), js, answer);
  return outcome.call == nullptr ? answer : js.Failure(outcome);
}

}  // namespace castellan
