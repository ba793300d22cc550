/** What the checks share: the built library, and sandboxes of this Mac or of an assumed one. */
import { readFileSync } from 'node:fs'

const load = name => import(new URL(`../../dist/${name}.js`, import.meta.url))

export async function loadKit(folder) {
  const [
    binding,
    { makeSandbox, createSandbox },
    { macosHost },
    { assumedMac },
    { currentSurroundings },
    frames,
    probe,
  ] = await Promise.all(
    ['native/binding', 'sandbox', 'sandbox/macos-system', 'plan/macos/answer', 'host/surroundings']
      .map(load)
      .concat([load('native/seatbelt-frame'), load('host/probe')]),
  )
  const isMac = process.platform === 'darwin'
  const host = macosHost({
    capabilities: assumedMac,
    surroundings: options => currentSurroundings({ ...options, platform: 'darwin' }),
    isUnchangedHelper: () => true,
  })
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const { unsoughtBubblewrap } = await load('host/bubblewrap')
  return {
    folder,
    isMac,
    version,
    capabilities: isMac ? probe.probeCapabilities(unsoughtBubblewrap) : assumedMac,
    /** A sandbox; elsewhere it answers for a Mac and must not run anything. */
    sandboxOf: options => (isMac ? createSandbox(options) : makeSandbox(options, () => host)),
    /** Undefined when the system's compiler takes the profile. Only on a Mac. */
    compile: profile => binding.loadBinding().compileProfile(frames.encodeSeatbeltFrame(profile)),
    load,
  }
}

/** The result of one check. */
export function newPart(name) {
  return { name, done: 0, needsMac: 0, different: [], told: [] }
}
