#include "json.h"

namespace castellan {
namespace {

constexpr int kDeepest = 16;

}  // namespace

const JsonValue* JsonValue::Member(const wchar_t* wanted) const {
  if (kind != JsonKind::kObject) return nullptr;
  for (const JsonValue* value = first; value != nullptr; value = value->next) {
    if (SameText(value->name, wanted)) return value;
  }
  return nullptr;
}

JsonDocument::~JsonDocument() {
  for (void* memory : kept_) Release(memory);
}

void* JsonDocument::Keep(size_t size) {
  void* memory = Allocate(size);
  kept_.Add(memory);
  return memory;
}

class JsonReader {
 public:
  JsonReader(JsonDocument* document, const unsigned char* bytes, size_t size)
      : document_(document), at_(bytes), end_(bytes + size) {}

  JsonValue* Document() {
    JsonValue* value = Value(0);
    Blanks();
    return value != nullptr && at_ == end_ ? value : nullptr;
  }

 private:
  void Blanks() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) at_++;
  }

  bool Take(unsigned char wanted) {
    Blanks();
    if (at_ == end_ || *at_ != wanted) return false;
    at_++;
    return true;
  }

  bool Word(const char* word) {
    const unsigned char* at = at_;
    for (; *word != 0; word++, at++) {
      if (at == end_ || *at != static_cast<unsigned char>(*word)) return false;
    }
    at_ = at;
    return true;
  }

  JsonValue* Make(JsonKind kind) {
    auto* value = static_cast<JsonValue*>(document_->Keep(sizeof(JsonValue)));
    *value = JsonValue();
    value->kind = kind;
    return value;
  }

  JsonValue* Value(int depth) {
    Blanks();
    if (at_ == end_ || depth > kDeepest) return nullptr;
    switch (*at_) {
      case '{':
      case '[':
        return Nest(depth);
      case '"': {
        JsonValue* value = Make(JsonKind::kText);
        value->text = String(&value->length);
        return value->text == nullptr ? nullptr : value;
      }
      case 't':
        return Word("true") ? Make(JsonKind::kTrue) : nullptr;
      case 'f':
        return Word("false") ? Make(JsonKind::kFalse) : nullptr;
      case 'n':
        return Word("null") ? Make(JsonKind::kNull) : nullptr;
      default:
        return Number();
    }
  }

  JsonValue* Number() {
    const unsigned char* began = at_;
    unsigned long long number = 0;
    for (; at_ < end_ && *at_ >= '0' && *at_ <= '9'; at_++) {
      if (number > (~0ull - 9) / 10) return nullptr;
      number = number * 10 + (*at_ - '0');
    }
    if (at_ == began || (*began == '0' && at_ - began > 1)) return nullptr;
    // What continues a number is a fraction or an exponent; neither is asked for anywhere.
    if (at_ < end_ && (*at_ == '.' || *at_ == 'e' || *at_ == 'E')) return nullptr;
    JsonValue* value = Make(JsonKind::kNumber);
    value->number = number;
    return value;
  }

  JsonValue* Nest(int depth) {
    const bool is_object = *at_++ == '{';
    const unsigned char bracket = is_object ? '}' : ']';
    JsonValue* value = Make(is_object ? JsonKind::kObject : JsonKind::kList);
    JsonValue** tail = &value->first;
    if (Take(bracket)) return value;
    do {
      const wchar_t* name = nullptr;
      if (is_object) {
        size_t length = 0;
        Blanks();
        if (at_ == end_ || *at_ != '"') return nullptr;
        name = String(&length);
        if (name == nullptr || !Take(':')) return nullptr;
      }
      JsonValue* member = Value(depth + 1);
      if (member == nullptr) return nullptr;
      member->name = name;
      *tail = member;
      tail = &member->next;
      value->count++;
    } while (Take(','));
    return Take(bracket) && (!is_object || NamesDiffer(value)) ? value : nullptr;
  }

  // An environment has hundreds of names: sorted once instead of compared each with each.
  bool NamesDiffer(const JsonValue* object) {
    List<const wchar_t*> names;
    for (const JsonValue* member = object->first; member != nullptr; member = member->next) {
      names.Add(member->name);
    }
    for (size_t gap = names.size() / 2; gap > 0; gap /= 2) {
      for (size_t index = gap; index < names.size(); index++) {
        const wchar_t* name = names[index];
        size_t place = index;
        for (; place >= gap && Compare(names[place - gap], name) > 0; place -= gap)
          names[place] = names[place - gap];
        names[place] = name;
      }
    }
    for (size_t index = 1; index < names.size(); index++) {
      if (SameText(names[index - 1], names[index])) return false;
    }
    return true;
  }

  static int Compare(const wchar_t* left, const wchar_t* right) {
    while (*left != 0 && *left == *right) left++, right++;
    return static_cast<int>(*left) - static_cast<int>(*right);
  }

  // Null for a text that is no UTF-8 or holds a NUL.
  const wchar_t* String(size_t* length) {
    at_++;
    const unsigned char* close = at_;
    while (close < end_ && *close != '"') close += *close == '\\' ? 2 : 1;
    if (close >= end_) return nullptr;
    // A byte gives at most one unit.
    auto* text =
        static_cast<wchar_t*>(document_->Keep((static_cast<size_t>(close - at_) + 1) * sizeof(wchar_t)));
    size_t count = 0;
    while (at_ < close) {
      const unsigned long point = *at_ == '\\' ? Escape() : Point(close);
      if (point == 0 || point == kBroken) return nullptr;
      if (point > 0xffff) {
        text[count++] = static_cast<wchar_t>(0xd800 + ((point - 0x10000) >> 10));
        text[count++] = static_cast<wchar_t>(0xdc00 + ((point - 0x10000) & 0x3ff));
      } else {
        text[count++] = static_cast<wchar_t>(point);
      }
    }
    at_ = close + 1;
    text[count] = 0;
    *length = count;
    return text;
  }

  unsigned long Escape() {
    const unsigned char kind = at_[1];
    at_ += 2;
    switch (kind) {
      case '"':
      case '\\':
      case '/':
        return kind;
      case 'b':
        return '\b';
      case 'f':
        return '\f';
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      case 'u':
        return Units();
      default:
        return kBroken;
    }
  }

  // One unit: half of a pair stays half of a pair, because names of files may hold one.
  unsigned long Units() {
    unsigned long unit = 0;
    for (int digit = 0; digit < 4; digit++, at_++) {
      if (at_ == end_) return kBroken;
      const unsigned char character = *at_;
      if (character >= '0' && character <= '9') {
        unit = unit * 16 + (character - '0');
      } else if ((character | 32) >= 'a' && (character | 32) <= 'f') {
        unit = unit * 16 + ((character | 32) - 'a' + 10);
      } else {
        return kBroken;
      }
    }
    return unit;
  }

  unsigned long Point(const unsigned char* close) {
    const unsigned char lead = *at_++;
    if (lead < 0x20) return kBroken;
    if (lead < 0x80) return lead;
    const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (lead < 0xc2 || lead > 0xf4 || close - at_ < more) return kBroken;
    unsigned long point = lead & (0x3f >> more);
    for (int index = 0; index < more; index++, at_++) {
      if ((*at_ & 0xc0) != 0x80) return kBroken;
      point = point << 6 | (*at_ & 0x3f);
    }
    const bool is_short = (more == 2 && point < 0x800) || (more == 3 && point < 0x10000);
    if (is_short || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return kBroken;
    return point;
  }

  static constexpr unsigned long kBroken = 0xffffffff;

  JsonDocument* document_;
  const unsigned char* at_;
  const unsigned char* end_;
};

const JsonValue* JsonDocument::Read(const unsigned char* bytes, size_t size) {
  return JsonReader(this, bytes, size).Document();
}

void JsonWriter::Raw(const char* text) {
  for (; *text != 0; text++) bytes_.Add(static_cast<unsigned char>(*text));
}

void JsonWriter::Name(const wchar_t* name) {
  if (!first_) bytes_.Add(',');
  first_ = false;
  if (name == nullptr) return;
  Quote(name);
  bytes_.Add(':');
}

void JsonWriter::Begin(const wchar_t* name, char bracket) {
  Name(name);
  bytes_.Add(static_cast<unsigned char>(bracket));
  first_ = true;
}

void JsonWriter::End(char bracket) {
  bytes_.Add(static_cast<unsigned char>(bracket));
  first_ = false;
}

void JsonWriter::Quote(const wchar_t* text) {
  static const char kDigits[] = "0123456789abcdef";
  bytes_.Add('"');
  for (; *text != 0; text++) {
    const unsigned unit = *text;
    if (unit >= 0x20 && unit < 0x7f && unit != '"' && unit != '\\') {
      bytes_.Add(static_cast<unsigned char>(unit));
      continue;
    }
    Raw("\\u");
    for (int shift = 12; shift >= 0; shift -= 4) {
      bytes_.Add(static_cast<unsigned char>(kDigits[unit >> shift & 15]));
    }
  }
  bytes_.Add('"');
}

void JsonWriter::PutText(const wchar_t* name, const wchar_t* text) {
  Name(name);
  Quote(text);
}

void JsonWriter::PutNumber(const wchar_t* name, unsigned long long number) {
  Name(name);
  Text digits;
  digits.PutNumber(number);
  for (const wchar_t digit : digits) bytes_.Add(static_cast<unsigned char>(digit));
}

void JsonWriter::PutBool(const wchar_t* name, bool value) {
  Name(name);
  Raw(value ? "true" : "false");
}

}  // namespace castellan
