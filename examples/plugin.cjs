// Run by plugin-host.mjs, in the sandbox.
const { readFileSync, writeFileSync } = require('node:fs')

process.on('message', ({ read, write }) => {
  const text = readFileSync(read, 'utf8')
  try {
    writeFileSync(write, text.toUpperCase())
    process.send(`wrote ${text.length} characters`)
  } catch (error) {
    process.send(`cannot write: ${error.code}`)
  }
})
