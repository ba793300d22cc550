/**
 * Runs cases of schema `seatbelt-semantics/1`: makes the profile of a policy on a disk in memory and asks the machine what
 * Seatbelt would answer. An answer counts only when every world that the documentation leaves open gives it.
 */
import { virtualFiles } from './virtual-files.mjs'

export const schema = 'seatbelt-semantics/1'

const MODULES = ['parse', 'resolve', 'canonical', 'path', 'glob', 'glob-place']
  .map(name => `policy/${name}`)
  .concat(
    ['profile', 'grants', 'network', 'proxy-ports', 'sbpl-machine', 'sbpl-operations', 'sbpl-parser', 'sbpl'].map(
      name => `plan/macos/${name}`,
    ),
  )

/** All functions that answer, in one object. `load` imports one module by name. */
export async function loadLibrary(load) {
  return Object.assign({}, ...(await Promise.all(MODULES.map(load))))
}

const CASE_MEMBERS = new Set(
  ['id', 'title', 'source', 'policy', 'checks', 'fs', 'extensions', 'network', 'options', 'cwd', 'home', 'env'].concat([
    'darwinUserCacheDir',
    'expectError',
  ]),
)

const SUBJECT_MEMBERS = new Set(
  [
    'path',
    'vnodeType',
    'target',
    'globalName',
    'localName',
    'sysctl',
    'ipcName',
    'destination',
    'local',
    'remote',
  ].concat(
    ['registryEntryClass', 'userClientClass', 'extensions', 'socketDomain', 'socketProtocol'],
    ['macPolicyName', 'macSyscallNumber', 'fsctlCommand'],
  ),
)

function refuseStrangers(given, known, what) {
  const stranger = Object.keys(given).find(name => !known.has(name))
  if (stranger !== undefined) throw new Error(`${what} has a member that is not known: ${stranger}`)
}

function readPolicy({ policy }, library) {
  if (policy.legacy !== undefined) return { form: 'legacy', legacy: library.parseLegacyPolicy(policy.legacy) }
  const { file_system, network = 'restricted' } = policy.split
  return { form: 'split', fileSystem: library.parseFileSystemPolicy(file_system), network }
}

function networkOf({ proxy, enforce_managed, allow_local_binding, unix_sockets }, enabled, library, canonical) {
  const ports = proxy === undefined || proxy === null ? null : (proxy.ports ?? library.findProxyPorts(proxy.env).ports)
  return {
    enabled,
    proxyPorts: ports,
    managed: enforce_managed === true,
    localBinding: allow_local_binding === true,
    unixSockets: library.socketPlaces(unix_sockets ?? [], canonical),
  }
}

function surroundingsOf(given, defaults, files, library) {
  const absolute = library.normalizeAbsolute
  const cwd = absolute(given.cwd ?? defaults.cwd)
  const temporary = given.env?.TMPDIR
  return {
    policyCwd: cwd,
    processCwd: cwd,
    // On macOS only an absolute value counts (spec/macos D.1).
    temporaryDirectory: temporary?.startsWith('/') ? temporary : undefined,
    home: homeOf(given, defaults),
    files,
  }
}

function homeOf(given, defaults) {
  const home = given.home === undefined ? (given.env?.HOME ?? defaults.home) : given.home
  return home === null || home === '' ? undefined : home
}

function globsOf(resolved, surroundings, library) {
  return resolved.fileSystem.entries.flatMap(({ path, access }, index) =>
    path.type === 'glob_pattern' && access === 'none'
      ? [library.compileGlob(library.resolveGlob(path.pattern, surroundings), index)]
      : [],
  )
}

function profileOf(given, document, files, library) {
  const { defaults } = document
  const surroundings = surroundingsOf(given, defaults, files, library)
  const resolved = library.resolvePolicy(readPolicy(given, library), surroundings)
  const { canonical } = library.canonicalPaths(files)
  const options = { ...defaults.options, ...given.options }
  const cache = given.darwinUserCacheDir === undefined ? defaults.darwinUserCacheDir : given.darwinUserCacheDir
  return library.makeProfile({
    resolved,
    network: networkOf(given.network ?? {}, resolved.network === 'enabled', library, canonical),
    grants: library.parseMacosGrants(given.extensions),
    globs: globsOf(resolved, surroundings, library),
    home: surroundings.home === undefined ? null : library.normalizeAbsolute(surroundings.home),
    userCacheDirectory: cache === null ? null : library.normalizeAbsolute(cache),
    canonical,
    options: {
      missingMetadata: options.protectMissingMetadata ? 'every-root' : 'open',
      foldCase: options.protectMissingMetadata && options.foldMetadataCase,
      platformTmpWritable: options.platformTmpWritable,
      darwinCacheWrite: options.darwinCacheWrite,
      pinAncestors: options.pinAncestors,
    },
  })
}

/** `invalid-macos-automation` is the refusal of the option `macos_automation`; any other word is some refusal by name. */
function isExpectedError(error, expected) {
  if (error.code === 'ERR_INVALID_OPTION') {
    const word = `invalid-${String(error.option).replaceAll('_', '-')}`
    return !expected.startsWith('invalid-macos-') || word === expected
  }
  return /^ERR_POLICY_|^ERR_BACKEND_/.test(error.code ?? '')
}

function subjectOf(check, files) {
  const { op, expect, ...subject } = check
  refuseStrangers(subject, SUBJECT_MEMBERS, 'a check')
  if (subject.path === undefined || subject.vnodeType !== undefined) return subject
  return { ...subject, vnodeType: files.kindOf(subject.path) === 'directory' ? 'DIRECTORY' : 'REGULAR-FILE' }
}

function judge(check, machine, files, library) {
  const { expect, ...asked } = check
  if (!library.isSbplOperation(check.op))
    throw new Error(`a check asks about an operation that is not known: ${check.op}`)
  const subject = subjectOf(check, files)
  const exists = subject.path === undefined || files.kindOf(subject.path) !== 'missing'
  const answers = library.sbplWorlds.map(world => machine.decide(check.op, subject, world, exists).verdict)
  if (answers.every(answer => answer === expect)) return { outcome: 'passed', asked }
  return { outcome: 'failed', asked, expected: expect, got: answers }
}

/** The outcomes of one case, one per check. `alter` puts another profile in the place of the one that was made. */
export function runCase(given, library, document, alter = profile => profile) {
  refuseStrangers(given, CASE_MEMBERS, 'a case')
  const files = virtualFiles(document.base_fs, given.fs ?? {})
  const { expectError } = given
  let profile
  try {
    profile = profileOf(given, document, files, library)
  } catch (error) {
    if (expectError === undefined) throw error
    if (isExpectedError(error, expectError)) return [{ outcome: 'passed', asked: { expectError } }]
    return [{ outcome: 'failed', asked: { expectError }, expected: expectError, got: String(error) }]
  }
  if (expectError !== undefined)
    return [{ outcome: 'failed', asked: { expectError }, expected: expectError, got: 'a profile' }]
  const { text, parameters } = alter(profile)
  let machine
  try {
    machine = library.makeSbplMachine(text, parameters)
  } catch (error) {
    return [{ outcome: 'failed', asked: 'the machine', expected: 'a profile that it takes', got: String(error) }]
  }
  return given.checks.map(check => judge(check, machine, files, library))
}

/** For other tests: the profile of a case and the disk that it is for. */
export function profileOfCase(given, library, document) {
  const files = virtualFiles(document.base_fs, given.fs ?? {})
  return { files, profile: profileOf(given, document, files, library) }
}
