#include "places.h"

#include <windows.h>
#include <winternl.h>

#include "../common/calls.h"
#include "objects.h"

namespace castellan {
namespace {

// ERROR_REPARSE_POINT_ENCOUNTERED, which not every <winerror.h> has.
constexpr DWORD kReparsePoint = 4395;
constexpr ACCESS_MASK kLook = FILE_TRAVERSE | FILE_READ_ATTRIBUTES | SYNCHRONIZE;
// Without FILE_SHARE_DELETE: what is held is neither renamed nor removed.
constexpr ULONG kHold = FILE_SHARE_READ | FILE_SHARE_WRITE;
constexpr ULONG kPlain = FILE_OPEN_REPARSE_POINT | FILE_SYNCHRONOUS_IO_NONALERT;
constexpr ULONG kDirectory = kPlain | FILE_DIRECTORY_FILE | FILE_OPEN_FOR_BACKUP_INTENT;
// More directories in each other than anything of ours has.
constexpr int kDeepest = 64;

bool IsMissing(DWORD error) {
  return error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND;
}

class Held {
 public:
  Held() = default;
  ~Held() { Close(); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  HANDLE get() const { return handle_; }
  HANDLE* put() { return &handle_; }
  HANDLE Release() {
    const HANDLE handle = handle_;
    handle_ = nullptr;
    return handle;
  }
  void Close() {
    if (handle_ != nullptr) CloseHandle(handle_);
    handle_ = nullptr;
  }

 private:
  HANDLE handle_ = nullptr;
};

struct Opening {
  ACCESS_MASK access;
  ULONG share;
  ULONG disposition;
  ULONG options;
};

// One name in a directory that is held, or with no name what is held itself. A name is never a path.
Outcome OpenIn(HANDLE directory, const wchar_t* name, size_t length, const Opening& how, HANDLE* opened) {
  if (length > 255) return {L"NtCreateFile", ERROR_INVALID_NAME};
  UNICODE_STRING text = {};
  text.Buffer = const_cast<wchar_t*>(name);
  text.Length = static_cast<USHORT>(length * sizeof(wchar_t));
  text.MaximumLength = text.Length;
  OBJECT_ATTRIBUTES attributes = {};
  attributes.Length = sizeof(attributes);
  attributes.RootDirectory = directory;
  attributes.ObjectName = &text;
  attributes.Attributes = OBJ_CASE_INSENSITIVE;
  IO_STATUS_BLOCK status = {};
  const NTSTATUS result =
      CALL(static_cast<NTSTATUS>(-1), NtCreateFile, opened, how.access, &attributes, &status, nullptr,
           FILE_ATTRIBUTE_NORMAL, how.share, how.disposition, how.options, nullptr, 0);
  if (result < 0) return {L"NtCreateFile", RtlNtStatusToDosError(result)};
  return {};
}

Outcome AttributesOf(HANDLE object, DWORD* attributes) {
  FILE_ATTRIBUTE_TAG_INFO tag = {};
  if (!CALL(FALSE, GetFileInformationByHandleEx, object, FileAttributeTagInfo, &tag, sizeof(tag))) {
    return FailedCall(L"GetFileInformationByHandleEx");
  }
  *attributes = tag.FileAttributes;
  return {};
}

// A place, and the directories on the way to it as they are opened.
class Way {
 public:
  Way(Js js, const Arguments& arguments)
      : anchor_(js.TextOf(arguments.values[0])), below_(js.TextOf(arguments.values[1])) {}
  ~Way() {
    for (const HANDLE handle : held_) CloseHandle(handle);
  }
  Way(const Way&) = delete;
  Way& operator=(const Way&) = delete;

  // Opens, and with `makes` makes, the directories of the place; `to_last`: the last name is one of them.
  Outcome Go(bool makes, bool to_last);

  HANDLE directory() const { return held_[held_.size() - 1]; }
  const wchar_t* name() const { return below_.data() + at_; }
  size_t length() const { return below_.size() - at_; }

  // `{ failure: { call, win32, path } }`, or undefined.
  napi_value Answer(Js js, const Outcome& outcome) const;

 private:
  Outcome Step(const wchar_t* name, size_t length, bool makes);
  Outcome Compare(HANDLE directory) const;

  Text anchor_;
  Text below_;
  size_t at_ = 0;
  size_t seen_ = 0;
  Handle root_;
  List<HANDLE> held_;
};

Outcome Way::Step(const wchar_t* name, size_t length, bool makes) {
  const Opening how = {kLook, kHold, static_cast<ULONG>(makes ? FILE_OPEN_IF : FILE_OPEN), kDirectory};
  Held opened;
  const HANDLE before = held_.empty() ? root_.get() : directory();
  if (const Outcome outcome = OpenIn(before, name, length, how, opened.put()); outcome.call != nullptr)
    return outcome;
  DWORD attributes = 0;
  if (const Outcome outcome = AttributesOf(opened.get(), &attributes); outcome.call != nullptr)
    return outcome;
  if ((attributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0) return {L"verify", kReparsePoint};
  held_.Add(opened.Release());
  return {};
}

// A drive that stands for a directory (`subst`) or a share has no reparse point, nor has every kind of link.
Outcome Way::Compare(HANDLE directory) const {
  Text found;
  if (const Outcome outcome = FinalPath(directory, &found); outcome.call != nullptr) return outcome;
  Text planned;
  planned.Put(anchor_);
  planned.Append(below_.data(), seen_);
  const int same = CALL(0, CompareStringOrdinal, found.data(), static_cast<int>(found.size()), planned.data(),
                        static_cast<int>(planned.size()), TRUE);
  if (same == 0) return FailedCall(L"CompareStringOrdinal");
  return same == CSTR_EQUAL ? Outcome() : Outcome{L"verify", ERROR_BAD_PATHNAME};
}

Outcome Way::Go(bool makes, bool to_last) {
  Outcome outcome = root_.Open(anchor_.z(), kLook);
  if (outcome.call == nullptr) outcome = Compare(root_.get());
  if (outcome.call != nullptr) return outcome;
  while (true) {
    size_t end = at_;
    while (end < below_.size() && below_[end] != L'\\') end++;
    const bool is_last = end == below_.size();
    if (is_last && !to_last) break;
    seen_ = end;
    outcome = Step(below_.data() + at_, end - at_, makes);
    if (outcome.call == nullptr) outcome = Compare(directory());
    if (outcome.call != nullptr) return outcome;
    if (is_last) break;
    at_ = end + 1;
  }
  // The state directory, and a profile, are never the root itself.
  if (held_.empty()) return {L"verify", ERROR_INVALID_NAME};
  if (!to_last) seen_ = below_.size();
  return {};
}

napi_value Way::Answer(Js js, const Outcome& outcome) const {
  if (outcome.call == nullptr) return js.Undefined();
  Text path;
  path.Put(anchor_);
  path.Append(below_.data(), seen_);
  const napi_value answer = js.Failure(outcome);
  js.Set(js.Member(answer, "failure"), "path", js.String(path.z()));
  return answer;
}

Outcome Remove(HANDLE directory, const wchar_t* name, size_t length, int depth);

// The names are read anew after each removal: what was read before may be gone.
Outcome Empty(HANDLE directory, int depth) {
  if (depth > kDeepest) return {L"verify", ERROR_BUFFER_OVERFLOW};
  alignas(8) unsigned char buffer[4096];
  while (true) {
    bool is_found = false;
    FILE_INFO_BY_HANDLE_CLASS what = FileIdBothDirectoryRestartInfo;
    while (!is_found) {
      if (!CALL(FALSE, GetFileInformationByHandleEx, directory, what, buffer, sizeof(buffer))) {
        return GetLastError() == ERROR_NO_MORE_FILES ? Outcome()
                                                     : FailedCall(L"GetFileInformationByHandleEx");
      }
      what = FileIdBothDirectoryInfo;
      const auto* entry = reinterpret_cast<const FILE_ID_BOTH_DIR_INFO*>(buffer);
      while (true) {
        Text name;
        name.Append(entry->FileName, entry->FileNameLength / sizeof(wchar_t));
        if (!name.Equals(L".") && !name.Equals(L"..")) {
          is_found = true;
          const Outcome outcome = Remove(directory, name.data(), name.size(), depth);
          if (outcome.call != nullptr) return outcome;
        }
        if (entry->NextEntryOffset == 0) break;
        entry = reinterpret_cast<const FILE_ID_BOTH_DIR_INFO*>(reinterpret_cast<const unsigned char*>(entry) +
                                                               entry->NextEntryOffset);
      }
    }
  }
}

Outcome Remove(HANDLE directory, const wchar_t* name, size_t length, int depth) {
  constexpr ACCESS_MASK kRemove = DELETE | FILE_READ_ATTRIBUTES | SYNCHRONIZE;
  constexpr ULONG kAll = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
  const Opening how = {kRemove, kAll, FILE_OPEN, kPlain | FILE_OPEN_FOR_BACKUP_INTENT};
  Held object;
  Outcome outcome = OpenIn(directory, name, length, how, object.put());
  if (outcome.call != nullptr) return IsMissing(outcome.win32) ? Outcome() : outcome;
  DWORD attributes = 0;
  outcome = AttributesOf(object.get(), &attributes);
  if (outcome.call != nullptr) return outcome;
  if ((attributes & FILE_ATTRIBUTE_DIRECTORY) != 0 && (attributes & FILE_ATTRIBUTE_REPARSE_POINT) == 0) {
    const Opening list = {FILE_LIST_DIRECTORY | SYNCHRONIZE, kAll, FILE_OPEN, kDirectory};
    Held inside;
    // The object itself, by no name: none can come between.
    outcome = OpenIn(object.get(), L"", 0, list, inside.put());
    if (outcome.call == nullptr) outcome = Empty(inside.get(), depth + 1);
    if (outcome.call != nullptr) return outcome;
  }
  FILE_DISPOSITION_INFO gone = {TRUE};
  if (!CALL(FALSE, SetFileInformationByHandle, object.get(), FileDispositionInfo, &gone, sizeof(gone))) {
    return FailedCall(L"SetFileInformationByHandle");
  }
  return {};
}

Outcome Fill(const Way& way, const Bytes& bytes) {
  Outcome outcome = Remove(way.directory(), way.name(), way.length(), 0);
  if (outcome.call != nullptr) return outcome;
  // Only what was not there: neither a link nor a second name of another file can stand in its place.
  const Opening how = {FILE_GENERIC_WRITE, FILE_SHARE_READ, FILE_CREATE, kPlain | FILE_NON_DIRECTORY_FILE};
  Held file;
  outcome = OpenIn(way.directory(), way.name(), way.length(), how, file.put());
  if (outcome.call != nullptr) return outcome;
  DWORD written = 0;
  const auto size = static_cast<DWORD>(bytes.size());
  if (!CALL(FALSE, WriteFile, file.get(), bytes.data(), size, &written, nullptr))
    return FailedCall(L"WriteFile");
  return written == size ? Outcome() : Outcome{L"WriteFile", ERROR_WRITE_FAULT};
}

Outcome Hide(const Way& way) {
  constexpr DWORD kWanted = FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM;
  const Opening how = {FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES | SYNCHRONIZE, kHold, FILE_OPEN,
                       kDirectory};
  Held object;
  Outcome outcome = OpenIn(way.directory(), way.name(), way.length(), how, object.put());
  if (outcome.call != nullptr) return outcome;
  DWORD attributes = 0;
  outcome = AttributesOf(object.get(), &attributes);
  if (outcome.call != nullptr) return outcome;
  if ((attributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0) return {L"verify", kReparsePoint};
  // Times of zero stay as they are.
  FILE_BASIC_INFO info = {};
  info.FileAttributes = attributes | kWanted;
  if (!CALL(FALSE, SetFileInformationByHandle, object.get(), FileBasicInfo, &info, sizeof(info))) {
    return FailedCall(L"SetFileInformationByHandle");
  }
  outcome = AttributesOf(object.get(), &attributes);
  if (outcome.call != nullptr) return outcome;
  return (attributes & kWanted) == kWanted ? Outcome() : Outcome{L"verify", ERROR_NOT_SUPPORTED};
}

}  // namespace

napi_value MakeDirectory(napi_env env, napi_callback_info info) {
  const Js js(env);
  Way way(js, Arguments(env, info));
  return way.Answer(js, way.Go(true, true));
}

napi_value ReplaceFile(napi_env env, napi_callback_info info) {
  const Js js(env);
  const Arguments arguments(env, info);
  const Bytes bytes = js.BytesOf(arguments.values[2]);
  Way way(js, arguments);
  Outcome outcome = way.Go(false, false);
  if (outcome.call == nullptr) outcome = Fill(way, bytes);
  return way.Answer(js, outcome);
}

napi_value RemoveTree(napi_env env, napi_callback_info info) {
  const Js js(env);
  Way way(js, Arguments(env, info));
  Outcome outcome = way.Go(false, false);
  if (outcome.call == nullptr) {
    outcome = Remove(way.directory(), way.name(), way.length(), 0);
  } else if (IsMissing(outcome.win32)) {
    outcome = {};
  }
  return way.Answer(js, outcome);
}

napi_value HideDirectory(napi_env env, napi_callback_info info) {
  const Js js(env);
  Way way(js, Arguments(env, info));
  Outcome outcome = way.Go(false, false);
  if (outcome.call == nullptr) outcome = Hide(way);
  return way.Answer(js, outcome);
}

}  // namespace castellan
