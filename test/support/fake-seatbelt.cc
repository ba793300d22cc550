// Functions of Seatbelt for the file that looks for them (native/macos/seatbelt.cc), on a system that has none. They
// tell on descriptor 2 what they were asked, and answer what the profile asks for.
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/types.h>

namespace {
bool is_confined = false;
}

extern "C" {

int sandbox_init_with_parameters(const char* profile, uint64_t flags, const char* const parameters[],
                                 char** error) {
  fprintf(stderr, "init %llu", static_cast<unsigned long long>(flags));
  for (; *parameters != nullptr; parameters++) fprintf(stderr, " [%s]", *parameters);
  fputs("\n", stderr);
  if (strstr(profile, "; fake: refuse") != nullptr) {
    *error = strdup("no, \"here\"");
    errno = EPERM;
    return -1;
  }
  is_confined = strstr(profile, "; fake: ignore") == nullptr;
  return 0;
}

void sandbox_free_error(char* error) {
  fputs("freed\n", stderr);
  free(error);
}

#ifndef FAKE_CANNOT_BE_ASKED
int sandbox_check(pid_t, const char* operation, int type, ...) {
  fprintf(stderr, "asked %s %d\n", operation == nullptr ? "in general" : operation, type);
  return is_confined ? 1 : 0;
}
#endif
}
