// Reads and writes the JSON of frames. Strict: numbers are whole and unsigned, no name comes twice, nothing
// follows.
#ifndef CASTELLAN_WINDOWS_JSON_H_
#define CASTELLAN_WINDOWS_JSON_H_

#include "memory.h"

namespace castellan {

enum class JsonKind { kNull, kTrue, kFalse, kNumber, kText, kList, kObject };

// Values lie in one list; those inside another are chained. They live as long as the document.
struct JsonValue {
  JsonKind kind = JsonKind::kNull;
  unsigned long long number = 0;
  // Its name, in an object. Both have a NUL behind them and none within.
  const wchar_t* name = nullptr;
  const wchar_t* text = nullptr;
  size_t length = 0;
  size_t count = 0;
  JsonValue* first = nullptr;
  JsonValue* next = nullptr;

  // Null when there is none.
  const JsonValue* Member(const wchar_t* wanted) const;
};

class JsonDocument {
 public:
  JsonDocument() = default;
  ~JsonDocument();
  JsonDocument(const JsonDocument&) = delete;
  JsonDocument& operator=(const JsonDocument&) = delete;

  // Null when it is no JSON of the kind that is read here.
  const JsonValue* Read(const unsigned char* bytes, size_t size);

 private:
  friend class JsonReader;
  void* Keep(size_t size);
  List<void*> kept_;
};

// Writes one object after the other, members in the order of the calls.
class JsonWriter {
 public:
  void Open(const wchar_t* name = nullptr) { Begin(name, '{'); }
  void Close() { End('}'); }
  void OpenList(const wchar_t* name) { Begin(name, '['); }
  void CloseList() { End(']'); }
  void PutText(const wchar_t* name, const wchar_t* text);
  void PutNumber(const wchar_t* name, unsigned long long number);
  void PutBool(const wchar_t* name, bool value);
  const Bytes& bytes() const { return bytes_; }

 private:
  void Begin(const wchar_t* name, char bracket);
  void End(char bracket);
  void Name(const wchar_t* name);
  void Quote(const wchar_t* text);
  void Raw(const char* text);
  Bytes bytes_;
  bool first_ = true;
};

}  // namespace castellan

#endif  // CASTELLAN_WINDOWS_JSON_H_
