// A thread that waits for the word to end the command's tree.
#ifndef CASTELLAN_WINDOWS_WATCH_H_
#define CASTELLAN_WINDOWS_WATCH_H_

#include "../common/failure.h"

namespace castellan {

// To be called once. `ends_with_request`: the end of the stream ends the tree as well.
Failure WatchRequestOf(HANDLE stream, HANDLE job, bool ends_with_request);

}  // namespace castellan

#endif  // CASTELLAN_WINDOWS_WATCH_H_
