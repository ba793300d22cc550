#include "frame.h"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <unistd.h>
#include <utility>

namespace castellan {
namespace {

class Reader {
 public:
  explicit Reader(const std::string& bytes) : bytes_(bytes) {}

  bool Number(uint32_t* value) {
    if (bytes_.size() - at_ < 4) return false;
    *value = 0;
    for (int index = 3; index >= 0; index--) {
      *value = *value << 8 | static_cast<uint8_t>(bytes_[at_ + static_cast<size_t>(index)]);
    }
    at_ += 4;
    return true;
  }

  bool Text(std::string* text) {
    uint32_t length = 0;
    if (!Number(&length) || bytes_.size() - at_ < length) return false;
    text->assign(bytes_, at_, length);
    at_ += length;
    return text->find('\0') == std::string::npos;
  }

  // A count, and so many groups of texts.
  bool Texts(uint32_t group, uint32_t most, std::vector<std::string>* texts) {
    uint32_t count = 0;
    if (!Number(&count) || count > most) return false;
    texts->clear();
    for (uint32_t index = 0; index < group * count; index++) {
      std::string text;
      if (!Text(&text)) return false;
      texts->push_back(std::move(text));
    }
    return true;
  }

  bool Magic() {
    if (bytes_.compare(0, 4, "CSBX") != 0) return false;
    at_ = 4;
    return true;
  }

  size_t Rest() const { return bytes_.size() - at_; }

 private:
  const std::string& bytes_;
  size_t at_ = 0;
};

// Up to `wanted` bytes; fewer where the end comes first.
int ReadUpTo(int fd, size_t wanted, std::string* bytes) {
  char buffer[65536];
  while (wanted > 0) {
    const ssize_t got = read(fd, buffer, wanted < sizeof(buffer) ? wanted : sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) return 0;
    bytes->append(buffer, static_cast<size_t>(got));
    wanted -= static_cast<size_t>(got);
  }
  return 0;
}

// Leaves the reader behind the head.
const char* ReadHead(Reader* reader, uint32_t* length) {
  uint32_t version = 0;
  if (!reader->Magic()) return "it is not a frame";
  if (!reader->Number(&version) || version != 3) return "it has another version";
  return reader->Number(length) ? nullptr : "it has no length";
}

}  // namespace

const char* ParseFrame(const std::string& bytes, Profile* profile) {
  Reader reader(bytes);
  uint32_t length = 0;
  if (const char* wrong = ReadHead(&reader, &length)) return wrong;
  if (reader.Rest() < length) return "it is cut";
  if (reader.Rest() > length) return "something follows it";
  if (!reader.Number(&profile->file_mode_mask)) return "it has no file mode mask";
  if (!reader.Text(&profile->text) || profile->text.empty()) return "it has no profile";
  if (!reader.Texts(2, kMostParameters, &profile->parameters)) return "its parameters cannot be read";
  if (!reader.Texts(1, kMostLines, &profile->environment)) return "its environment cannot be read";
  if (!reader.Texts(1, kMostLines, &profile->programs)) return "its programs cannot be read";
  return reader.Rest() == 0 ? nullptr : "something follows its programs";
}

int ReadFrame(int fd, std::string* bytes) {
  if (const int error = ReadUpTo(fd, kHeadSize, bytes)) return error;
  Reader reader(*bytes);
  uint32_t length = 0;
  // What is wrong with it is told by whoever parses it.
  if (ReadHead(&reader, &length) != nullptr) return 0;
  return length > kLargestFrame ? EFBIG : ReadUpTo(fd, length, bytes);
}

int AtEnd(int fd, bool* at_end) {
  std::string more;
  const int error = ReadUpTo(fd, 1, &more);
  *at_end = more.empty();
  return error;
}

}  // namespace castellan
