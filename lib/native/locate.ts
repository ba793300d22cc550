/**
 * Where the addon may lie. The names are those that node-gyp-build resolves, for tools that know them; the choice is our own,
 * because that one takes every Linux without /etc/alpine-release for glibc, and loads a build of another C library in silence.
 */
import path from 'node:path'

import type { CLibrary } from './c-library.ts'

/** The machine that the addon is wanted for; `process` and {@link CLibrary} of it. */
export interface Target {
  readonly platform: string
  readonly arch: string
  readonly cLibrary: CLibrary | undefined
}

export interface Places {
  /** The folder of package.json. */
  readonly packageRoot: string
  /** `CASTELLAN_PREBUILD`: a folder that is looked into instead of the package. */
  readonly override?: string | undefined
  /** `PREBUILDS_ONLY`: a build of a checkout is passed over. */
  readonly prebuildsOnly?: boolean
  /** Of the running program, which single-file hosts put the addon beside. */
  readonly execPath: string
}

/** The addon's file name in `prebuilds/`; undefined where the C library must be known and is not. */
export function prebuildName({ platform, cLibrary }: Target): string | undefined {
  if (platform !== 'linux') return 'castellan.node'
  return cLibrary === undefined ? undefined : `castellan.${cLibrary}.node`
}

/** The files to look for, first to last. A build of the other C library is never among them. */
export function addonCandidates(target: Target, places: Places): string[] {
  const base = places.override ?? places.packageRoot
  const built = places.prebuildsOnly === true ? [] : [path.join(base, 'build/Release/castellan.node')]
  const name = prebuildName(target)
  if (name === undefined) return built
  const prebuilt = path.join('prebuilds', `${target.platform}-${target.arch}`, name)
  return [...built, path.join(base, prebuilt), path.join(path.dirname(places.execPath), prebuilt)]
}

/** What to do when nothing was found, for the hint of the error. */
export function missingAddonHint(target: Target, shipped: readonly string[]): string {
  if (target.platform === 'linux' && target.cLibrary === undefined) {
    return 'it could not be told whether this program runs on glibc or musl; set CASTELLAN_PREBUILD to a folder with build/Release/castellan.node'
  }
  const folder = `${target.platform}-${target.arch}`
  const have = shipped.filter(name => name.startsWith(`${folder}/`)).map(name => name.slice(folder.length + 1))
  if (have.length > 0) return `there is ${have.join(' and ')} for ${folder}, which is for another machine's C library`
  if (shipped.length > 0) {
    return `there is no build for ${folder}; build one in a checkout with \`npm run build:native\` and name its folder in CASTELLAN_PREBUILD, or, in a bundle, mark castellan as external`
  }
  return 'in a checkout run `npm run build:native`; a bundle or a copied node_modules must hold the folder prebuilds of the package'
}
