// Reads /proc/self/mountinfo (proc_pid_mountinfo(5)) line by line, without memory of its own. Same rules as
// child.cc.
#ifndef CASTELLAN_LINUX_CHILD_MOUNT_LINES_H_
#define CASTELLAN_LINUX_CHILD_MOUNT_LINES_H_

#include "syscalls.h"

namespace castellan {

struct MountLine {
  uint64_t id;
  uint64_t attributes;  // sys::kMount…, those that mount(2) would take away when they are not named
  size_t path_length;
  char path[4096];
};

class MountLines {
 public:
  explicit MountLines(int fd) : fd_(fd) {}

  // 1 and a line, 0 at the end, or -errno. A path that does not fit is -ENAMETOOLONG: nothing could be said
  // about it.
  long NextInChild(MountLine* line) {
    enum Field { kId = 0, kPath = 4, kOptions = 5 };
    int field = kId;
    bool empty = true;
    char word[16];
    size_t word_length = 0;
    line->id = line->attributes = line->path_length = 0;
    for (;;) {
      const long next = ByteInChild();
      if (next < 0) return next;
      if (next == kEnd) return empty ? 0 : -sys::kEINVAL;
      empty = false;
      const char byte = static_cast<char>(next);
      if (field == kOptions && (byte == ',' || byte == ' ' || byte == '\n')) {
        line->attributes |= AttributeInChild(word, word_length);
        word_length = 0;
      } else if (field == kOptions && word_length < sizeof word) {
        word[word_length++] = byte;
      }
      if (byte == '\n') break;
      if (byte == ' ') {
        field++;
      } else if (field == kId) {
        line->id = line->id * 10 + static_cast<uint64_t>(byte - '0');
      } else if (field == kPath) {
        const long plain = byte == '\\' ? OctalInChild() : static_cast<unsigned char>(byte);
        if (plain < 0) return plain;
        if (line->path_length == sizeof line->path - 1) return -sys::kENAMETOOLONG;
        line->path[line->path_length++] = static_cast<char>(plain);
      }
    }
    line->path[line->path_length] = '\0';
    return field < kOptions ? -sys::kEINVAL : 1;
  }

 private:
  static constexpr long kEnd = 256;

  long ByteInChild() {
    if (at_ == filled_) {
      const long got = sys::Read(fd_, buffer_, sizeof buffer_);
      if (got < 0) return got;
      if (got == 0) return kEnd;
      filled_ = static_cast<size_t>(got);
      at_ = 0;
    }
    return static_cast<unsigned char>(buffer_[at_++]);
  }

  // Blanks and backslashes are written as a backslash and three octal digits.
  long OctalInChild() {
    long value = 0;
    for (int i = 0; i < 3; i++) {
      const long digit = ByteInChild();
      if (digit < '0' || digit > '7') return digit < 0 ? digit : -sys::kEINVAL;
      value = value << 3 | (digit - '0');
    }
    return value & 0xff;
  }

  static uint64_t AttributeInChild(const char* word, size_t length) {
    struct Name {
      const char* text;
      uint64_t attribute;
    };
    constexpr Name kNames[] = {{"ro", sys::kMountReadOnly},
                               {"nosuid", sys::kMountNoSuid},
                               {"nodev", sys::kMountNoDev},
                               {"noexec", sys::kMountNoExec},
                               {"nosymfollow", 256 /* MS_NOSYMFOLLOW, Linux 5.10 */}};
    for (const Name& name : kNames) {
      size_t i = 0;
      while (i < length && name.text[i] == word[i] && name.text[i] != '\0') i++;
      if (i == length && name.text[i] == '\0') return name.attribute;
    }
    return 0;
  }

  const int fd_;
  size_t at_ = 0, filled_ = 0;
  char buffer_[4096];
};

}  // namespace castellan

#endif  // CASTELLAN_LINUX_CHILD_MOUNT_LINES_H_
