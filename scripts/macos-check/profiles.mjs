/** Every profile of the case tables: read back by the model, and compiled by the system. */
import { readFileSync } from 'node:fs'

import { loadLibrary, profileOfCase } from '../../test/conformance/seatbelt-semantics.mjs'
import { newPart } from './kit.mjs'

export async function checkProfiles({ isMac, compile, load }) {
  const part = newPart('profiles')
  const library = await loadLibrary(load)
  for (const name of ['macos', 'macos-more']) {
    const place = new URL(`../../test/conformance/cases/${name}.json`, import.meta.url)
    const document = JSON.parse(readFileSync(place, 'utf8'))
    for (const given of document.cases.filter(({ expectError }) => expectError === undefined)) {
      const { profile } = profileOfCase(given, library, document)
      library.makeSbplMachine(profile.text, profile.parameters)
      part.done++
      if (!isMac) {
        part.needsMac++
        continue
      }
      const failure = compile(profile)
      if (failure !== undefined) part.different.push(`${given.id} does not compile: ${failure.message.trim()}`)
    }
  }
  return part
}
