/**
 * How the library answers the questions of `policy-cases/1`. The library's functions are passed in, so that the script
 * asks the built package and the test suite asks the sources.
 */

/** The library's modules that answer, by the name under which their functions are used below. */
export const MODULES = ['access', 'equivalence', 'gates', 'legacy', 'legacy-to-split', 'pair', 'parse', 'path', 'print']
  .concat(['roots', 'split-to-legacy', 'whole-disk', 'writable-roots', 'permission-profile', 'macos-extension'])
  .concat(['additional-permissions', 'effective-policy', 'permissions-table'])
  .map(name => `policy/${name}`)
  .concat('host/surroundings')

/** All functions of those modules in one object. `load` imports one by name. */
export async function loadLibrary(load) {
  return Object.assign({}, ...(await Promise.all(MODULES.map(load))))
}

/** Thrown for a question that this library does not answer (yet). */
export class Unsupported extends Error {}

const MODEL = { model: '2026-03' }

function orError(parse) {
  try {
    return { ok: parse() }
  } catch (error) {
    if (error.code === 'ERR_POLICY_INVALID') return 'error'
    throw error
  }
}

function parse({ library, surroundings }, { type, json, base }) {
  const options = { ...MODEL, base: base && library.normalizeAbsolute(base), home: surroundings.home }
  const kinds = {
    fs: () => library.printFileSystemPolicy(library.parseFileSystemPolicy(json, options)),
    legacy: () => library.printLegacyPolicy(library.parseLegacyPolicy(json, options)),
    network: () => library.parseNetworkPolicy(json),
    permissionProfile: () => library.parsePermissionProfile(json, options),
    macos: () => library.parseMacosExtension(json),
  }
  if (!Object.hasOwn(kinds, type)) throw new Unsupported(`parse ${type}`)
  return orError(kinds[type])
}

function absPath({ library, surroundings }, { path, base }) {
  // Without a base the process's directory is one (PATH-2).
  const from = base === undefined ? surroundings.processCwd : library.normalizeAbsolute(base)
  return library.parseAbsolutePath(path, { base: from, home: surroundings.home })
}

function toLegacy({ library, fileSystem, network, surroundings }) {
  const conversion = library.splitToLegacy(fileSystem, network, surroundings)
  if (conversion.kind === 'refused') return { refused: conversion.reason }
  return { ok: library.printLegacyPolicy(conversion.policy) }
}

function needsDirect({ library, fileSystem, network, surroundings, tags }) {
  if (tags.includes('order-sensitive')) throw new Unsupported('lists are compared without regard to order')
  return library.needsDirectEnforcement(fileSystem, network, surroundings)
}

function settle(context, { legacy, fs, network }) {
  const { library, surroundings } = context
  return library.settlePolicies(
    {
      legacy: legacy && library.parseLegacyPolicy(legacy, MODEL),
      fileSystem: fs && library.parseFileSystemPolicy(fs, MODEL),
      network: network && library.parseNetworkPolicy(network),
    },
    surroundings,
  )
}

function resolvePolicies(context, question) {
  const { library } = context
  const settled = settle(context, question)
  if (settled.kind === 'refused') return { error: settled.reason }
  return {
    legacy: library.printLegacyPolicy(settled.legacy),
    fs: library.printFileSystemPolicy(settled.fileSystem),
    network: settled.network,
  }
}

function caseSettled(context) {
  const { fs, legacy, network } = context.given
  return settle(context, { fs, legacy, network: fs === undefined ? network : (network ?? 'restricted') })
}

function landlock(context) {
  const settled = caseSettled(context)
  if (settled.kind === 'refused') return `refused:${settled.reason}`
  const gate = context.library.landlockGate(settled, context.surroundings)
  return gate.kind === 'refused' ? `refused:${gate.reason}` : gate.kind
}

// Here both policies are given as they are; nothing is settled first.
function windows({ library, fileSystem, legacy, network, surroundings }, { level }) {
  return library.windowsSupports({ kind: 'settled', fileSystem, legacy, network }, level, surroundings)
}

// `null` is an absent profile, except where the question is about one.
function profile({ library }, json) {
  return json == null ? null : library.parsePermissionProfile(json)
}

function macos({ library }, json) {
  return json == null ? null : library.parseMacosExtension(json)
}

function compileProfile({ library, surroundings }, { permissions, profile: name }) {
  const compiled = orError(() => library.compilePermissions(permissions, name, { ...MODEL, home: surroundings.home }))
  if (compiled === 'error') return { error: 'shape' }
  const { kind, reason, fileSystem, network, warnings } = compiled.ok
  if (kind === 'refused') return { error: reason }
  return { fs: library.printFileSystemPolicy(fileSystem), network, warnings: warnings.length }
}

/** One row per kind of question: context and question in, answer out. */
export const QUESTIONS = {
  parse,
  absPath,
  access: ({ library, fileSystem, surroundings }, { path }) => library.accessOf(fileSystem, surroundings, path),
  canRead: ({ library, fileSystem, surroundings }, { path }) => library.canRead(fileSystem, surroundings, path),
  canWrite: ({ library, fileSystem, surroundings }, { path }) => library.canWrite(fileSystem, surroundings, path),
  fullDiskRead: ({ library, fileSystem }) => library.hasFullDiskRead(fileSystem),
  fullDiskWrite: ({ library, fileSystem }) => library.hasFullDiskWrite(fileSystem),
  platformDefaults: ({ library, fileSystem }) => library.includesPlatformDefaults(fileSystem),
  readableRoots: ({ library, roots }) => library.readableRoots(roots()),
  unreadableRoots: ({ library, roots }) => library.unreadableRoots(roots()),
  writableRoots: ({ library, roots }) => library.writableRoots(roots()),
  toLegacy,
  needsDirect,
  roundTrips: context => !needsDirect(context),
  fromLegacy: ({ library, legacy, surroundings }) =>
    library.printFileSystemPolicy(library.legacyToSplit(legacy, surroundings)),
  networkFromLegacy: ({ library, legacy }) => library.networkFromLegacy(legacy),
  legacyWritableRoots: ({ library, legacy, surroundings }) => library.legacyWritableRoots(legacy, surroundings),
  legacyReadableRoots: ({ library, legacy, surroundings }) => library.legacyReadableRoots(legacy, surroundings),
  legacyPlatformDefaults: ({ library, legacy }) => library.legacyPlatformDefaults(legacy),
  legacyFullDiskRead: ({ library, legacy }) => library.legacyFullDiskRead(legacy),
  legacyFullDiskWrite: ({ library, legacy }) => library.legacyFullDiskWrite(legacy),
  legacyFullNetwork: ({ library, legacy }) => library.networkFromLegacy(legacy) === 'enabled',
  writableRootAllows: ({ library }, { root, readOnly, path }) => {
    const absolute = library.normalizeAbsolute
    return library.writableRootAllows({ root: absolute(root), readOnly: readOnly.map(absolute) }, absolute(path))
  },
  resolvePolicies,
  landlock,
  requirePlatformSandbox: ({ library, fileSystem, network }, { managedNetwork }) =>
    library.requiresPlatformSandbox(fileSystem, network, managedNetwork),
  windows,
  normalizeAdditional: (context, { permissions }) =>
    context.library.normalizePermissions(profile(context, permissions), context.surroundings.files),
  mergeProfiles: (context, { base, permissions }) =>
    context.library.mergeProfiles(profile(context, base), profile(context, permissions)),
  intersectProfiles: (context, { requested, granted }) =>
    context.library.intersectProfiles(profile(context, requested), profile(context, granted)),
  effectiveFs: (context, { permissions }) => {
    const { library, fileSystem } = context
    return library.printFileSystemPolicy(library.effectiveFileSystem(fileSystem, profile(context, permissions)))
  },
  effectiveLegacy: (context, { permissions }) => {
    const { library, legacy } = context
    return library.printLegacyPolicy(library.effectiveLegacy(legacy, profile(context, permissions)))
  },
  mergeMacos: (context, { base, permissions }) =>
    context.library.mergeMacos(macos(context, base), macos(context, permissions)),
  intersectMacos: (context, { requested, granted }) =>
    context.library.intersectMacos(macos(context, requested), macos(context, granted)),
  compileProfile,
}

const ERAS = ['2026-03']

function contextOf(given, library, root) {
  const surroundings = library.currentSurroundings({
    cwd: given.cwd,
    processCwd: given.processCwd ?? root,
    env: given.env,
  })
  const fileSystem = given.fs && library.parseFileSystemPolicy(given.fs, MODEL)
  return {
    given,
    library,
    surroundings,
    fileSystem,
    legacy: given.legacy && library.parseLegacyPolicy(given.legacy, MODEL),
    network: given.network ?? 'restricted',
    tags: given.tags ?? [],
    roots: () => library.rootContext(fileSystem, surroundings),
  }
}

/** Answers one question of a case whose tree stands at `root`. Throws `Unsupported` for what is not answered yet. */
export function answer(given, question, library, root) {
  if (!ERAS.includes(given.era)) throw new Unsupported(`era ${given.era}`)
  if (!Object.hasOwn(QUESTIONS, question.q)) throw new Unsupported(`question ${question.q}`)
  return QUESTIONS[question.q](contextOf(given, library, root), question)
}
