// See environment_stamp.h.
#include "environment_stamp.h"

#include <string.h>
#include <unistd.h>

namespace castellan {

EnvironmentStamp::EnvironmentStamp() {
  for (char** line = environ; line != nullptr && *line != nullptr; line++)
    lines_.append(*line, strlen(*line) + 1);
}

bool EnvironmentStamp::Unchanged() const {
  if (gettid() != getpid()) return false;
  size_t at = 0;
  for (char** line = environ; line != nullptr && *line != nullptr; line++) {
    const size_t length = strlen(*line) + 1;
    if (lines_.size() - at < length || memcmp(lines_.data() + at, *line, length) != 0) return false;
    at += length;
  }
  return at == lines_.size();
}

}  // namespace castellan
