// The helper as `exec` and `become`: it confines itself and becomes the command of wrap().
#ifndef CASTELLAN_LINUX_HELPER_EXEC_H_
#define CASTELLAN_LINUX_HELPER_EXEC_H_

#include "../syscalls.h"
#include "words.h"

namespace castellan {

inline void Print(const char* text) {
  sys::Write(2, text, LengthOf(text));
}

// Reads the plan image from the file `plan_path`. `stand_in`: for a program that stands for
// codex-linux-sandbox, whose callers know one code for every failure.
[[noreturn]] void Exec(const char* plan_path, int count, const char** command, const char* const* environment,
                       bool stand_in);

}  // namespace castellan

#endif  // CASTELLAN_LINUX_HELPER_EXEC_H_
