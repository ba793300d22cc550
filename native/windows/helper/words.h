// The words of this program's command line. None of ours has blanks or quotes.
#ifndef CASTELLAN_WINDOWS_WORDS_H_
#define CASTELLAN_WINDOWS_WORDS_H_

#include "../common/memory.h"

namespace castellan {

// Takes a word off the front; false at the end.
bool NextWord(const wchar_t** line, Text* word);

// `NAME VALUE`, in this order.
bool NextOption(const wchar_t** line, const wchar_t* name, Text* value);

}  // namespace castellan

#endif  // CASTELLAN_WINDOWS_WORDS_H_
