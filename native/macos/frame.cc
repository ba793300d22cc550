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

  bool AtEnd() const { return at_ == bytes_.size(); }

 private:
  const std::string& bytes_;
  size_t at_ = 0;
};

}  // namespace

const char* ParseFrame(const std::string& bytes, Profile* profile) {
  Reader reader(bytes);
  uint32_t version = 0;
  if (!reader.Magic()) return "it is not a frame";
  if (!reader.Number(&version) || version != 2) return "it has another version";
  if (!reader.Number(&profile->file_mode_mask)) return "it has no file mode mask";
  if (!reader.Text(&profile->text) || profile->text.empty()) return "it has no profile";
  if (!reader.Texts(2, kMostParameters, &profile->parameters)) return "its parameters cannot be read";
  if (!reader.Texts(1, kMostLines, &profile->environment)) return "its environment cannot be read";
  if (!reader.Texts(1, kMostLines, &profile->programs)) return "its programs cannot be read";
  return reader.AtEnd() ? nullptr : "something follows it";
}

int ReadFrame(int fd, std::string* bytes) {
  char buffer[65536];
  for (;;) {
    const ssize_t got = read(fd, buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) return 0;
    bytes->append(buffer, static_cast<size_t>(got));
    if (bytes->size() > kLargestFrame) return EFBIG;
  }
}

}  // namespace castellan
