#include "objects.h"

#include "../common/calls.h"

namespace castellan {
namespace {

constexpr DWORD kPersistentAcls = 0x8;
constexpr wchar_t kNullDevice[] = L"\\\\.\\NUL";
constexpr DWORD kShare = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
constexpr DWORD kFlags = FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT;

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

Outcome DescribeFile(const Handle& object, Js js, napi_value answer) {
  Text final_path;
  if (const Outcome outcome = FinalPath(object.get(), &final_path); outcome.call != nullptr) return outcome;
  FILE_ATTRIBUTE_TAG_INFO tag = {};
  if (!CALL(FALSE, GetFileInformationByHandleEx, object.get(), FileAttributeTagInfo, &tag, sizeof(tag))) {
    return FailedCall(L"GetFileInformationByHandleEx");
  }
  DWORD flags = 0;
  if (!CALL(FALSE, GetVolumeInformationByHandleW, object.get(), nullptr, 0, nullptr, nullptr, &flags, nullptr,
            0)) {
    return FailedCall(L"GetVolumeInformationByHandle");
  }
  const bool is_link = (tag.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0;
  js.Set(answer, "finalPath", js.String(final_path.z()));
  js.Set(answer, "directory", js.Bool((tag.FileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0));
  js.Set(answer, "reparseTag", js.Number(is_link ? tag.ReparseTag : 0));
  js.Set(answer, "hasAcls", js.Bool((flags & kPersistentAcls) != 0));
  return {};
}

void DescribeDevice(Js js, napi_value answer) {
  js.Set(answer, "finalPath", js.String(kNullDevice));
  js.Set(answer, "directory", js.Bool(false));
  js.Set(answer, "reparseTag", js.Number(0));
  js.Set(answer, "hasAcls", js.Bool(true));
}

Outcome DescribeHandle(const Handle& object, Js js, napi_value answer) {
  Identity identity = {};
  if (const Outcome outcome = IdentityOf(object, &identity); outcome.call != nullptr) return outcome;
  js.Set(answer, "file", js.String(identity.file));
  js.Set(answer, "volume", js.String(identity.volume));
  if (!object.is_device()) return DescribeFile(object, js, answer);
  DescribeDevice(js, answer);
  return {};
}

Outcome Describe(const wchar_t* path, Js js, napi_value answer) {
  Handle object;
  const Outcome outcome = object.Open(path, FILE_READ_ATTRIBUTES);
  return outcome.call == nullptr ? DescribeHandle(object, js, answer) : outcome;
}

bool IsMissing(DWORD error) {
  return error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND;
}

// What holds the last name of a path; a drive keeps its separator. Empty above that.
Text ParentOf(const Text& path) {
  size_t length = path.size();
  while (length > 0 && path[length - 1] != L'\\') length--;
  const bool is_drive = length == 3 && path[1] == L':';
  Text parent;
  if (length > 0 && length < path.size()) parent.Append(path.data(), is_drive ? length : length - 1);
  return parent;
}

// The nearest directory above the path that is there.
Outcome OpenAbove(const Text& path, Handle* object) {
  Outcome outcome = {L"CreateFile", ERROR_PATH_NOT_FOUND};
  for (Text place = ParentOf(path); !place.empty(); place = ParentOf(place)) {
    outcome = object->Open(place.z(), FILE_READ_ATTRIBUTES);
    if (outcome.call == nullptr || !IsMissing(outcome.win32)) return outcome;
  }
  return outcome;
}

int DigitOf(wchar_t digit) {
  if (digit >= L'0' && digit <= L'9') return digit - L'0';
  return digit >= L'a' && digit <= L'f' ? digit - L'a' + 10 : -1;
}

bool ReadNumber(const Text& digits, unsigned char (&number)[16]) {
  if (digits.size() != 32) return false;
  for (size_t index = 0; index < 16; index++) {
    const int high = DigitOf(digits[2 * index]);
    const int low = DigitOf(digits[2 * index + 1]);
    if (high < 0 || low < 0) return false;
    number[index] = static_cast<unsigned char>(high << 4 | low);
  }
  return true;
}

// `found`: false when the volume has no such object.
Outcome Find(const Text& path, const Text& file, const Text& volume, Js js, napi_value answer, bool* found) {
  unsigned char number[16] = {};
  if (!ReadNumber(file, number)) return {L"OpenFileById", ERROR_INVALID_DATA};
  Handle above;
  if (const Outcome outcome = OpenAbove(path, &above); outcome.call != nullptr) return outcome;
  Identity identity = {};
  if (const Outcome outcome = IdentityOf(above, &identity); outcome.call != nullptr) return outcome;
  if (!volume.Equals(identity.volume)) return {L"OpenFileById", ERROR_WRONG_DISK};
  Handle object;
  const Outcome outcome = object.OpenNumber(above, number, FILE_READ_ATTRIBUTES);
  *found = outcome.call == nullptr;
  if (*found) return DescribeHandle(object, js, answer);
  return outcome.win32 == ERROR_INVALID_PARAMETER || IsMissing(outcome.win32) ? Outcome() : outcome;
}

}  // namespace

Outcome FinalPath(HANDLE object, Text* path) {
  const DWORD size = CALL(0, GetFinalPathNameByHandleW, object, nullptr, 0, FILE_NAME_NORMALIZED);
  if (size == 0) return FailedCall(L"GetFinalPathNameByHandle");
  Text whole;
  whole.Resize(size + 1);
  const DWORD length =
      CALL(0, GetFinalPathNameByHandleW, object, whole.data(), size + 1, FILE_NAME_NORMALIZED);
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

void PutDigits(const unsigned char* bytes, size_t count, wchar_t* digits) {
  for (size_t index = 0; index < count; index++) {
    digits[2 * index] = L"0123456789abcdef"[bytes[index] >> 4];
    digits[2 * index + 1] = L"0123456789abcdef"[bytes[index] & 15];
  }
  digits[2 * count] = 0;
}

Outcome Handle::Open(const wchar_t* path, DWORD access) {
  is_device_ = SameText(path, kNullDevice);
  Text whole;
  whole.Put(is_device_ ? Text(path) : LongPath(path));
  handle_ = CALL(INVALID_HANDLE_VALUE, CreateFileW, whole.z(), access, kShare, nullptr, OPEN_EXISTING,
                 is_device_ ? 0 : kFlags, nullptr);
  return handle_ == INVALID_HANDLE_VALUE ? FailedCall(L"CreateFile") : Outcome();
}

// Only file systems with numbers of more than 64 bits (ReFS) take the longer form.
Outcome Handle::OpenNumber(const Handle& volume, const unsigned char (&number)[16], DWORD access) {
  FILE_ID_DESCRIPTOR descriptor = {};
  descriptor.dwSize = sizeof(descriptor);
  bool is_long = false;
  for (int index = 8; index < 16; index++) is_long = is_long || number[index] != 0;
  descriptor.Type = is_long ? ExtendedFileIdType : FileIdType;
  CopyMemory(&descriptor.ExtendedFileId, number, sizeof(number));
  handle_ =
      CALL(INVALID_HANDLE_VALUE, OpenFileById, volume.get(), &descriptor, access, kShare, nullptr, kFlags);
  return handle_ == INVALID_HANDLE_VALUE ? FailedCall(L"OpenFileById") : Outcome();
}

Outcome IdentityOf(const Handle& object, Identity* identity) {
  FILE_ID_INFO found = {};
  if (!object.is_device() &&
      !CALL(FALSE, GetFileInformationByHandleEx, object.get(), FileIdInfo, &found, sizeof(found))) {
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

napi_value FindObject(napi_env env, napi_callback_info info) {
  const Js js(env);
  const Arguments arguments(env, info);
  const napi_value answer = js.Object();
  bool found = false;
  const Outcome outcome = Find(js.TextOf(arguments.values[0]), js.TextOf(arguments.values[1]),
                               js.TextOf(arguments.values[2]), js, answer, &found);
  if (outcome.call != nullptr) return js.Failure(outcome);
  return found ? answer : js.Null();
}

}  // namespace castellan
