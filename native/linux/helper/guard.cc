// See guard.h.
#include "guard.h"

#include "../placeholder.h"
#include "../syscalls.h"
#include "../tag.h"
#include "memory.h"
#include "words.h"

namespace castellan {
namespace {

// Takes notes about placeholders until the host ends; returns whether it ended in order.
bool AwaitHost(PlaceholderList* placeholders) {
  char note[2 * kPlaceholderNoteSize];
  size_t filled = 0;
  for (;;) {
    const long got = sys::Read(4, note + filled, sizeof note - filled);
    if (got <= 0) return false;
    filled += static_cast<size_t>(got);
    size_t begin = 0;
    for (size_t at = 0; at < filled; at++) {
      if (at == begin && note[at] == 'q') return true;
      if (note[at] != '\0') continue;
      placeholders->Take(note + begin);
      begin = at + 1;
    }
    memmove(note, note + begin, filled - begin);
    filled -= begin;
    if (filled == sizeof note) filled = 0;  // not a note of the launcher's, which are shorter
  }
}

// A host that was killed may still be closing its descriptors, and with them its locks.
void RemovePlaceholders(PlaceholderList* placeholders) {
  for (int round = 0; round < 200 && placeholders->RemoveAll(); round++) {
    const int64_t pause[2] = {0, 5'000'000};  // seconds, nanoseconds
    sys::Call(__NR_nanosleep, sys::Word(pause), 0);
  }
}

}  // namespace

void Guard(uint64_t tag) {
  // Only SIGKILL ends the guard before its work is done.
  const uint64_t all = ~0ull;
  sys::SetSignalMask(2, &all, nullptr);
  sys::ChangeDirectory("/");
  auto* placeholders = static_cast<PlaceholderList*>(Allocate(sizeof(PlaceholderList)));
  if (!AwaitHost(placeholders)) KillTagged(tag, kTagHostMask, 2000);
  // Not earlier: a command that still runs could create what a placeholder stood for.
  RemovePlaceholders(placeholders);
  sys::Exit(0);
}

}  // namespace castellan
