// Prints the sources of one target for binding.gyp, from the one list that CMakeLists.txt reads as well.
// usage: node native/sources.cjs addon|helper linux|mac|win
const lists = require('./sources.json')

const [target, system] = process.argv.slice(2)
const own = lists[target][system] ?? lists[target].other ?? []
for (const file of [...(lists[target].common ?? []), ...own]) console.log(`native/${file}`)
