// The helper program, embedded by the build (native/embed.mjs): it cannot lose its execute bit, be left out
// of an archive, or be replaced by a command that may write to the folder the library lies in.
#ifndef CASTELLAN_LINUX_HELPER_IMAGE_H_
#define CASTELLAN_LINUX_HELPER_IMAGE_H_

#include <stddef.h>
#include <stdint.h>

namespace castellan {

extern const uint8_t kHelperImage[];
extern const size_t kHelperImageSize;

}  // namespace castellan

#endif  // CASTELLAN_LINUX_HELPER_IMAGE_H_
