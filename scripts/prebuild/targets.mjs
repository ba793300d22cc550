/**
 * What a release is built for. `folder` and `file` are the names that node-gyp-build resolves; `zig` is the compiler's name
 * of the system. The C library's version in it is the floor: nothing newer than that can be linked.
 */

/** Node.js 20 asks for this itself, so a lower floor would serve nobody. */
export const glibcFloor = '2.28'

/** Bytes of one stripped file, for every target. */
export const sizeBudget = 400 * 1024

const linux = (architecture, processor, libc) => ({
  name: `linux-${architecture}-${libc}`,
  system: 'linux',
  architecture,
  libc,
  folder: `linux-${architecture}`,
  file: `castellan.${libc}.node`,
  zig: `${processor}-linux-${libc === 'glibc' ? `gnu.${glibcFloor}` : 'musl'}`,
  helperZig: `${processor}-linux-musl`,
})

const darwin = (architecture, processor) => ({
  name: `darwin-${architecture}`,
  system: 'darwin',
  architecture,
  folder: `darwin-${architecture}`,
  file: 'castellan.node',
  zig: `${processor}-macos.11.0`,
  helperZig: `${processor}-macos.11.0`,
  helper: 'castellan-seatbelt',
})

/** Without a C runtime, the files for Windows are small, and stay so. */
export const peSizeBudget = 96 * 1024

const windows = (architecture, processor) => ({
  name: `win32-${architecture}`,
  system: 'win32',
  architecture,
  folder: `win32-${architecture}`,
  file: 'castellan.node',
  zig: `${processor}-windows-gnu`,
  helper: 'castellan-helper.exe',
})

export const targets = [
  linux('x64', 'x86_64', 'glibc'),
  linux('arm64', 'aarch64', 'glibc'),
  linux('x64', 'x86_64', 'musl'),
  linux('arm64', 'aarch64', 'musl'),
  darwin('x64', 'x86_64'),
  darwin('arm64', 'aarch64'),
  windows('x64', 'x86_64'),
  windows('arm64', 'aarch64'),
]

/** The targets with these names, or all. Throws for a name that is none, and says which there are. */
export function chooseTargets(names) {
  if (names.length === 0) return targets
  return names.map(name => {
    const found = targets.find(target => target.name === name)
    if (found === undefined) {
      throw new Error(`there is no target '${name}'; there are ${targets.map(target => target.name).join(', ')}`)
    }
    return found
  })
}

/** The files that a complete release has, below prebuilds/. */
export const expectedFiles = targets.flatMap(({ folder, file, helper }) =>
  [file, helper].filter(name => name !== undefined).map(name => `${folder}/${name}`),
)
