// Confines itself and becomes the command: same process, so that whoever started this has started the
// command.
//
//   castellan-seatbelt --profile FD --status FD [--input FD] -- NAME ARGUMENT...
//
// The profile is a frame (frame.h), which also holds the files that the command may be and its environment.
// Whoever starts this gives it no environment but Node's channel, which is handed on. The frame has a
// descriptor of its own and is all that comes from there; or it comes from descriptor 0, for a starter that
// cannot write to another one while it waits: what follows it there is the command's input, unless --input
// names another. Status: one byte A once the profile is in force, and the end of the stream when the command
// was executed; or one line of JSON,
// {"stage":...,"errno":...,"message":...}. An end without either means that this process died before it
// confined itself. Exits with 126, or with 127 when exec failed.
//
// The order matters: the status closes on exec and the frame is closed before anything else runs; descriptors
// that were not meant for the command go before it starts; the profile comes last, so that it need not allow
// any of this.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <string>
#include <unistd.h>
#include <vector>

#include "frame.h"
#include "seatbelt.h"

extern char** environ;

namespace {

struct Arguments {
  int profile = -1;
  int status = -1;
  int input = -1;
  char** command = nullptr;
};

// Descriptors of the command are not the helper's own, but for 0.
bool ReadDescriptor(const char* text, int least, int* descriptor) {
  char* end = nullptr;
  errno = 0;
  const long value = strtol(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0' || value > 1024 * 1024) return false;
  if (value < 3 && value != least) return false;
  *descriptor = static_cast<int>(value);
  return true;
}

bool AreDistinct(const Arguments& arguments) {
  const auto [profile, status, input, command] = arguments;
  if (command[0] == nullptr || profile < 0 || status < 0 || profile == status) return false;
  return input < 0 || (profile == 0 && input != status);
}

bool ReadArguments(int count, char** words, Arguments* arguments) {
  for (int index = 1; index + 1 < count; index += 2) {
    if (strcmp(words[index], "--") == 0) {
      arguments->command = words + index + 1;
      return AreDistinct(*arguments);
    }
    const char* value = words[index + 1];
    if (strcmp(words[index], "--profile") == 0) {
      if (!ReadDescriptor(value, 0, &arguments->profile)) return false;
    } else if (strcmp(words[index], "--status") == 0) {
      if (!ReadDescriptor(value, 3, &arguments->status)) return false;
    } else if (strcmp(words[index], "--input") == 0) {
      if (!ReadDescriptor(value, 3, &arguments->input)) return false;
    } else {
      return false;
    }
  }
  return false;
}

void Write(int fd, const std::string& text) {
  size_t at = 0;
  while (at < text.size()) {
    const ssize_t written = write(fd, text.data() + at, text.size() - at);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    at += static_cast<size_t>(written);
  }
}

std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char character : text) {
    if (character == '"' || character == '\\') quoted += '\\';
    if (static_cast<unsigned char>(character) < 0x20) {
      char code[8];
      snprintf(code, sizeof(code), "\\u%04x", character);
      quoted += code;
    } else {
      quoted += character;
    }
  }
  return quoted + "\"";
}

[[noreturn]] void Fail(int status, const char* stage, int error, const std::string& message) {
  Write(status, std::string("{\"stage\":\"") + stage + "\",\"errno\":" + std::to_string(error) +
                    ",\"message\":" + Quoted(message) + "}\n");
  _exit(strcmp(stage, "exec") == 0 ? 127 : 126);
}

// The command gets the descriptors below the helper's own, as its starter laid them out. Returns 0 or an
// errno.
int CloseOthers(int first_own, int status) {
  DIR* directory = opendir("/dev/fd");
  if (directory == nullptr) return errno;
  std::vector<int> others;
  const int own = dirfd(directory);
  errno = 0;
  while (const dirent* entry = readdir(directory)) {
    const int fd = atoi(entry->d_name);
    if (fd >= first_own && fd != status && fd != own) others.push_back(fd);
  }
  // A list that breaks off hides descriptors.
  const int error = errno;
  closedir(directory);
  for (const int fd : others) close(fd);
  return error;
}

// Reads the frame and lays out the command's descriptors. Ends the process when that cannot be done.
castellan::Profile Prepare(const Arguments& arguments) {
  const auto [from, status, input, command] = arguments;
  std::string bytes;
  castellan::Profile profile;
  if (const int error = castellan::ReadFrame(from, &bytes)) {
    Fail(status, "protocol", error, "the frame cannot be read");
  }
  if (const char* wrong = castellan::ParseFrame(bytes, &profile)) Fail(status, "protocol", EINVAL, wrong);
  int first_own = status;
  if (from != 0) {
    bool at_end = false;
    if (const int error = castellan::AtEnd(from, &at_end)) {
      Fail(status, "protocol", error, "the frame cannot be read");
    }
    if (!at_end) Fail(status, "protocol", EINVAL, "something follows it");
    close(from);
    if (from < first_own) first_own = from;
  } else if (input >= 0) {
    if (dup2(input, 0) != 0) Fail(status, "protocol", errno, "the command's input cannot be put in place");
    if (input < first_own) first_own = input;
  }
  if (const int error = CloseOthers(first_own, status)) {
    Fail(status, "protocol", error, "/dev/fd cannot be listed");
  }
  return profile;
}

bool IsChannel(const char* line) {
  return strncmp(line, "NODE_CHANNEL_FD=", 16) == 0 ||
         strncmp(line, "NODE_CHANNEL_SERIALIZATION_MODE=", 32) == 0;
}

// As execvp(3) does, in the sandbox, because only there it is known what can be executed. Returns the error
// that tells most.
int ExecuteFirst(const castellan::Profile& profile, char** command) {
  std::vector<char*> environment;
  for (const std::string& line : profile.environment) environment.push_back(const_cast<char*>(line.c_str()));
  for (char** line = environ; *line != nullptr; line++) {
    if (IsChannel(*line)) environment.push_back(*line);
  }
  environment.push_back(nullptr);
  int told = ENOENT;
  for (const std::string& program : profile.programs) {
    execve(program.c_str(), command, environment.data());
    if (errno == ENOENT || errno == ENOTDIR) continue;
    told = errno;
    // There, and not for this command: another one may be.
    if (errno != EACCES && errno != EPERM) return told;
  }
  return told;
}

}  // namespace

int main(int count, char** words) {
  Arguments arguments;
  if (!ReadArguments(count, words, &arguments)) {
    fputs("castellan-seatbelt: started by castellan, not by hand\n", stderr);
    return 126;
  }
  const int status = arguments.status;
  if (fcntl(status, F_SETFD, FD_CLOEXEC) != 0) return 126;
  const castellan::Profile profile = Prepare(arguments);
  // A core dump holds what the command may not tell.
  const rlimit no_core = {0, 0};
  if (setrlimit(RLIMIT_CORE, &no_core) != 0)
    Fail(status, "protocol", errno, "core dumps cannot be turned off");

  const castellan::SeatbeltOutcome applied = castellan::ApplyProfile(profile);
  if (!applied.done) Fail(status, "apply", applied.error, applied.message);
  Write(status, "A");

  if (profile.file_mode_mask != castellan::kNoFileModeMask) {
    umask(static_cast<mode_t>(profile.file_mode_mask & 0777));
  }
  const int error = ExecuteFirst(profile, arguments.command);
  Fail(status, "exec", error, strerror(error));
}
