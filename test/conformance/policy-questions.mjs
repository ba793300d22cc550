/**
 * How the library answers the questions of `policy-cases/1`. The library's functions are passed in, so that the script
 * asks the built package and the test suite asks the sources.
 */

/** The library's modules that answer, by the name under which their functions are used below. */
export const MODULES = ['access', 'equivalence', 'gates', 'legacy', 'legacy-to-split', 'pair', 'parse', 'path', 'print']
  .concat(['roots', 'split-to-legacy', 'whole-disk', 'writable-roots', 'permission-profile', 'macos-extension'])
  .concat(['additional-permissions', 'effective-policy', 'permissions-table'])
  .concat(['entry-permissions', 'entry-permissions-merge', 'runtime-profile', 'read-deny'])
  .map(name => `policy/${name}`)
  .concat('host/surroundings')

/** All functions of those modules in one object. `load` imports one by name. */
export async function loadLibrary(load) {
  return Object.assign({}, ...(await Promise.all(MODULES.map(load))))
}

/** Thrown for a question that this library does not answer (yet). */
export class Unsupported extends Error {}

function orError(parse) {
  try {
    return { ok: parse() }
  } catch (error) {
    if (error.code === 'ERR_POLICY_INVALID') return 'error'
    throw error
  }
}

function parse({ library, surroundings, model }, { type, json, base }) {
  const options = { model, base: base && library.normalizeAbsolute(base), home: surroundings.home }
  const profiles = {
    '2026-03': () => library.parsePermissionProfile(json, options),
    '2026-06': () => library.printRuntimeProfile(library.parseRuntimeProfile(json, options)),
  }
  const kinds = {
    fs: () => library.printFileSystemPolicy(library.parseFileSystemPolicy(json, options), model),
    legacy: () => library.printLegacyPolicy(library.parseLegacyPolicy(json, options)),
    network: () => library.parseNetworkPolicy(json),
    permissionProfile: profiles[model],
    macos: () => library.parseMacosExtension(json, { model }),
    additional: () => library.printAdditionalPermissions(library.parseAdditionalPermissions(json, options)),
  }
  if (!Object.hasOwn(kinds, type)) throw new Unsupported(`parse ${type}`)
  return orError(kinds[type])
}

function absPath({ library, surroundings }, { path, base }) {
  // Without a base the process's directory is one (PATH-2).
  const from = base === undefined ? surroundings.processCwd : library.normalizeAbsolute(base)
  return library.parseAbsolutePath(path, { base: from, home: surroundings.home })
}

function toLegacy({ library, fileSystem, network, surroundings, model }) {
  const conversion = library.splitToLegacy(fileSystem, network, surroundings, model)
  if (conversion.kind === 'refused') return { refused: conversion.reason }
  return { ok: library.printLegacyPolicy(conversion.policy) }
}

// March compares lists in order, which the library itself does only when it is asked for March's own answer.
function needsDirect({ library, fileSystem, network, surroundings, model }) {
  const options = { model, ordered: model === '2026-03' }
  return library.needsDirectEnforcement(fileSystem, network, surroundings, options)
}

function settle(context, { legacy, fs, network }) {
  const { library, surroundings, model } = context
  return library.settlePolicies(
    {
      legacy: legacy && library.parseLegacyPolicy(legacy, { model }),
      fileSystem: fs && library.parseFileSystemPolicy(fs, { model }),
      network: network && library.parseNetworkPolicy(network),
    },
    surroundings,
    model,
  )
}

function resolvePolicies(context, question) {
  const { library, model } = context
  const settled = settle(context, question)
  if (settled.kind === 'refused') return { error: settled.reason }
  return {
    legacy: library.printLegacyPolicy(settled.legacy),
    fs: library.printFileSystemPolicy(settled.fileSystem, model),
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
  const gate = context.library.landlockGate(settled, context.surroundings, context.model)
  return gate.kind === 'refused' ? `refused:${gate.reason}` : gate.kind
}

// Here both policies are given as they are; nothing is settled first.
function windows({ library, fileSystem, legacy, network, surroundings, model }, { level }) {
  return library.windowsSupports({ kind: 'settled', fileSystem, legacy, network }, level, surroundings, model)
}

/** How each model reads, prints and puts together what a command may do beside its policy. `null` is an absent profile. */
const ADDITIONAL = {
  '2026-03': {
    read: (library, json) => library.parsePermissionProfile(json),
    print: (_library, profile) => profile,
    normalize: ({ library, surroundings }, profile) => library.normalizePermissions(profile, surroundings.files),
    merge: (library, base, added) => library.mergeProfiles(base, added),
    intersect: ({ library }, requested, granted) => library.intersectProfiles(requested, granted),
    effective: (library, policy, profile) => library.effectiveFileSystem(policy, profile),
  },
  '2026-06': {
    read: (library, json) => library.parseAdditionalPermissions(json),
    print: (library, profile) => profile && library.printAdditionalPermissions(profile),
    normalize: ({ library, surroundings }, profile) => library.normalizeAdditional(profile, surroundings),
    merge: (library, base, added) => library.mergeAdditional(base, added),
    intersect: ({ library, surroundings }, requested, granted) =>
      library.intersectAdditional(requested, granted, surroundings),
    effective: (library, policy, profile) => library.effectiveWith(policy, profile),
  },
}

function profile({ library, model }, json) {
  return json == null ? null : ADDITIONAL[model].read(library, json)
}

function normalizeAdditional(context, { permissions }) {
  const { library, model } = context
  const { normalize, print } = ADDITIONAL[model]
  const normalized = orError(() => print(library, normalize(context, profile(context, permissions))))
  return normalized === 'error' ? normalized : normalized.ok
}

function mergeProfiles(context, { base, permissions }) {
  const { library, model } = context
  const { merge, print } = ADDITIONAL[model]
  return print(library, merge(library, profile(context, base), profile(context, permissions)))
}

function intersectProfiles(context, { requested, granted }) {
  const { intersect, print } = ADDITIONAL[context.model]
  return print(context.library, intersect(context, profile(context, requested), profile(context, granted)))
}

function effectiveFs(context, { permissions }) {
  const { library, fileSystem, model } = context
  const effective = ADDITIONAL[model].effective(library, fileSystem, profile(context, permissions))
  return library.printFileSystemPolicy(effective, model)
}

function effectiveLegacy({ library, legacy, model }, { permissions }) {
  if (model !== '2026-03') throw new Unsupported(`effectiveLegacy in ${model}, which has no such thing`)
  return library.printLegacyPolicy(library.effectiveLegacy(legacy, library.parsePermissionProfile(permissions)))
}

function macos({ library }, json) {
  return json == null ? null : library.parseMacosExtension(json)
}

function compileProfile({ library, surroundings, model }, { permissions, profile: name }) {
  const options = { model, home: surroundings.home, cwd: surroundings.policyCwd }
  const compiled = orError(() => library.compilePermissions(permissions, name, options))
  if (compiled === 'error') return { error: 'shape' }
  const { kind, reason, fileSystem, network, warnings } = compiled.ok
  if (kind === 'refused') return { error: reason }
  return { fs: library.printFileSystemPolicy(fileSystem, model), network, warnings: warnings.length }
}

/** One row per kind of question: context and question in, answer out. */
export const QUESTIONS = {
  parse,
  absPath,
  access: ({ library, fileSystem, surroundings }, { path }) => library.accessOf(fileSystem, surroundings, path),
  canRead: ({ library, fileSystem, surroundings }, { path }) => library.canRead(fileSystem, surroundings, path),
  canWrite: ({ library, fileSystem, surroundings, model }, { path }) =>
    library.canWrite(fileSystem, surroundings, path, model),
  fullDiskRead: ({ library, fileSystem }) => library.hasFullDiskRead(fileSystem),
  fullDiskWrite: ({ library, fileSystem }) => library.hasFullDiskWrite(fileSystem),
  platformDefaults: ({ library, fileSystem }) => library.includesPlatformDefaults(fileSystem),
  readableRoots: ({ library, roots }) => library.readableRoots(roots()),
  unreadableRoots: ({ library, roots }) => library.unreadableRoots(roots()),
  writableRoots: ({ library, roots }) => library.writableRoots(roots()),
  toLegacy,
  needsDirect,
  roundTrips: context => !needsDirect(context),
  fromLegacy: ({ library, legacy, surroundings, model }) =>
    library.printFileSystemPolicy(library.legacyToSplit(legacy, surroundings, model), model),
  networkFromLegacy: ({ library, legacy }) => library.networkFromLegacy(legacy),
  legacyWritableRoots: ({ library, legacy, surroundings, model }) =>
    library.legacyWritableRoots(legacy, surroundings, model),
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
  normalizeAdditional,
  mergeProfiles,
  intersectProfiles,
  effectiveFs,
  effectiveLegacy,
  mergeMacos: (context, { base, permissions }) =>
    context.library.mergeMacos(macos(context, base), macos(context, permissions)),
  intersectMacos: (context, { requested, granted }) =>
    context.library.intersectMacos(macos(context, requested), macos(context, granted)),
  compileProfile,
  unreadableGlobs: ({ library, roots }) => library.unreadableGlobs(roots()),
  readDenied: ({ library, fileSystem, surroundings }, { path }) => library.readDenyTest(fileSystem, surroundings)(path),
  forbiddenMetadataWrite: ({ library, fileSystem, surroundings }, { path }) =>
    library.forbiddenName(fileSystem, surroundings, path),
  semanticallyEquivalent: ({ library, fileSystem, surroundings, model }, { other }) =>
    library.isSemanticallyEquivalent(fileSystem, library.parseFileSystemPolicy(other, { model }), surroundings, model),
}

/** The eras of the cases are the library's models. */
const ERAS = ['2026-03', '2026-06']

function contextOf(given, library, root) {
  const surroundings = library.currentSurroundings({
    cwd: given.cwd,
    processCwd: given.processCwd ?? root,
    env: given.env,
  })
  const model = given.era
  const fileSystem = given.fs && library.parseFileSystemPolicy(given.fs, { model })
  return {
    given,
    library,
    model,
    surroundings,
    fileSystem,
    legacy: given.legacy && library.parseLegacyPolicy(given.legacy, { model }),
    network: given.network ?? 'restricted',
    roots: () => library.rootContext(fileSystem, surroundings, model),
  }
}

/** Answers one question of a case whose tree stands at `root`. Throws `Unsupported` for what is not answered yet. */
export function answer(given, question, library, root) {
  if (!ERAS.includes(given.era)) throw new Unsupported(`era ${given.era}`)
  if (!Object.hasOwn(QUESTIONS, question.q)) throw new Unsupported(`question ${question.q}`)
  return QUESTIONS[question.q](contextOf(given, library, root), question)
}
