// Writes a C++ source that holds the bytes of a file: the helper program, for the addon to carry.
// usage: node native/embed.cjs INPUT OUTPUT
const { readFileSync, writeFileSync } = require('node:fs')

const [input, output] = process.argv.slice(2)
const bytes = readFileSync(input)
const rows = []
for (let at = 0; at < bytes.length; at += 24) rows.push(`    ${[...bytes.subarray(at, at + 24)].join(',')},`)
writeFileSync(
  output,
  `// Made by native/embed.cjs from the helper program.
#include "linux/helper_image.h"

namespace castellan {

alignas(16) extern const uint8_t kHelperImage[] = {
${rows.join('\n')}
};
extern const size_t kHelperImageSize = sizeof kHelperImage;

}  // namespace castellan
`,
)
