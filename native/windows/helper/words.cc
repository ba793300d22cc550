#include "words.h"

namespace castellan {

bool NextWord(const wchar_t** line, Text* word) {
  while (**line == L' ' || **line == L'\t') (*line)++;
  const wchar_t* first = *line;
  bool quoted = false;
  for (; **line != 0 && (quoted || (**line != L' ' && **line != L'\t')); (*line)++) {
    if (**line == L'"') quoted = !quoted;
  }
  *word = Text();
  word->Append(first, static_cast<size_t>(*line - first));
  return !word->empty();
}

bool NextOption(const wchar_t** line, const wchar_t* name, Text* value) {
  Text word;
  return NextWord(line, &word) && word.Equals(name) && NextWord(line, value);
}

}  // namespace castellan
