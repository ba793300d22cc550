/**
 * Runs cases of schema `windows-decisions/1`: what the planner decides for a system that is not here. Each function of a case is
 * one question to the library.
 */
import { isDeepStrictEqual } from 'node:util'
import { windowsFiles } from './windows-files.mjs'

export const schema = 'windows-decisions/1'

const MODULES = [
  'plan',
  'environment',
  'environment-block',
  'command-line',
  'proxy-ports',
  'network',
  'windows-path',
  'mode',
  'setup-status',
  'frame',
].map(name => `plan/windows/${name}`)

/** All functions that answer, in one object. `load` imports one module by name. */
export async function loadLibrary(load) {
  return Object.assign({}, ...(await Promise.all(MODULES.map(load))))
}

const PLAN_MEMBERS = ['level', 'backend', 'cwd', 'home', 'host', 'env', 'policy', 'fs', 'proxy_enforced']
const INPUT_MEMBERS = {
  aces: PLAN_MEMBERS,
  env: ['env', 'host', 'backend', 'block', 'managed_proxy', 'denybin', 'gitRoot'],
  'env-block': ['env'],
  quote: ['arg'],
  'proxy-ports': ['env'],
  'blocked-ports': ['allowed'],
  'path-key': ['path'],
  mode: ['config'],
  'setup-status': ['marker', 'users', 'identity', 'proxy_ports', 'allow_local_binding'],
  frame: ['object'],
}
const CASE_MEMBERS = ['id', 'title', 'note', 'source', 'function', 'input', 'expect', ...PLAN_MEMBERS]

/** What the levels of the cases mean here. */
const LEVELS = {
  seed: { splitSupport: 'round-trip', capabilities: 'shared' },
  late: { splitSupport: 'carve-outs', capabilities: 'per-root' },
}

function refuseStrangers(given, known, what) {
  const stranger = Object.keys(given).find(name => !known.includes(name))
  if (stranger !== undefined) throw new Error(`${what} has a member that is not known: ${stranger}`)
}

function policyOf({ legacy, split }) {
  if (legacy !== undefined) return legacy
  return split
}

/** Also for other tests: the question of a case. */
export function questionOf(given, { base_fs: base, defaults }) {
  const asked = { ...defaults, ...given }
  if (LEVELS[asked.level] === undefined) throw new Error(`a case has a level that is not known: ${asked.level}`)
  return {
    policy: policyOf(asked.policy),
    cwd: asked.cwd,
    stateDirectory: asked.home,
    backend: asked.backend,
    environment: asked.env,
    host: asked.host,
    files: windowsFiles(base, given.fs ?? {}),
    proxyEnforced: asked.proxy_enforced,
    options: LEVELS[asked.level],
  }
}

const folded = paths => [...new Set(paths.map(path => path.toLowerCase()))].sort()

function sameSet(expected, got) {
  return isDeepStrictEqual(folded(expected), folded(got))
}

function judgeRoots({ include = [], exclude = [] }, got) {
  const known = new Set(folded(got))
  return folded(include).every(path => known.has(path)) && !folded(exclude).some(path => known.has(path))
}

function judgeField(name, expected, got) {
  if (name === 'readRoots') return judgeRoots(expected, got)
  if (name === 'capabilities') return isDeepStrictEqual([...expected].sort(), [...got].sort())
  if (Array.isArray(expected) && Array.isArray(got)) return sameSet(expected, got)
  return isDeepStrictEqual(expected, got)
}

const passed = asked => ({ outcome: 'passed', asked })
const failed = (asked, expected, got) => ({ outcome: 'failed', asked, expected, got })

/** What a case calls otherwise than the plan, or says in fewer words. */
function fieldOf(plan, name) {
  if (name === 'integrity') return plan.token.integrity
  if (name === 'restricting') return plan.token.restricting.join(' ')
  if (name === 'limits') return plan.limits.map(({ code, path }) => (path === undefined ? code : `${code}:${path}`))
  if (name === 'dropped') return plan.dropped.map(({ path }) => path)
  if (name in plan) return plan[name]
  throw new Error(`a case expects a member that no plan has: ${name}`)
}

function judgePlan(given, library, document) {
  const answer = library.planForWindows(questionOf(given, document))
  const { error, ...fields } = given.expect
  if (error !== undefined) {
    const got = answer.refusal?.kind ?? 'a plan'
    return [[error].flat().includes(got) ? passed({ error }) : failed({ error }, error, got)]
  }
  if ('refusal' in answer) return [failed(given.expect, fields, answer.refusal)]
  return Object.entries(fields).map(([name, expected]) => {
    const got = fieldOf(answer.plan, name)
    return judgeField(name, expected, got) ? passed({ name }) : failed({ name }, expected, got)
  })
}

/** Grants and denials; what the plan adds to keep names in place has no word in these cases. */
function entriesOf(given, library, document) {
  const answer = library.planForWindows(questionOf(given, document))
  if ('refusal' in answer) return answer.refusal
  const kinds = ['allow', 'deny', 'deny-read']
  return answer.plan.accessEntries
    .filter(({ kind }) => kinds.includes(kind))
    .map(({ path, kind, roles }) => ({ path, kind, sids: roles }))
}

function inOrder(entries) {
  const plain = entries.map(({ path, kind, sids }) => ({ path: path.toLowerCase(), kind, sids: [...sids].sort() }))
  return plain.map(entry => JSON.stringify(entry)).sort()
}

function environmentOf({ env, host = {}, backend, block, managed_proxy, denybin, gitRoot }, library) {
  return library.windowsEnvironment({
    command: env,
    host,
    backend: backend ?? 'unelevated',
    closesNetwork: block === true,
    managedProxy: managed_proxy === true,
    stubs: denybin ?? null,
    gitRoot: gitRoot ?? null,
  })
}

function judgeEnvironment({ input, expect }, library) {
  const got = environmentOf(input, library)
  const names = name => Object.keys(got).filter(given => given.toLowerCase() === name.toLowerCase())
  return [
    ...Object.entries(expect.set ?? {}).map(([name, value]) => {
      const values = names(name).map(given => got[given])
      return isDeepStrictEqual(values, [value]) ? passed({ name }) : failed({ name }, value, values)
    }),
    ...(expect.absent ?? []).map(name =>
      names(name).length === 0 ? passed({ absent: name }) : failed({ absent: name }, [], names(name)),
    ),
    ...Object.entries(expect.keyCount ?? {}).map(([name, count]) =>
      names(name).length === count ? passed({ count: name }) : failed({ count: name }, count, names(name)),
    ),
  ]
}

const textOf = value => (value === null || typeof value === 'string' ? value : JSON.stringify(value))

const answers = {
  'env-block': ({ env }, library) => library.environmentBlock(env),
  quote: ({ arg }, library) => library.quoteArgument(arg),
  'blocked-ports': ({ allowed }, library) => library.blockedPorts(allowed),
  'path-key': ({ path }, library) => library.pathKey(path),
  mode: ({ config }, library) => library.windowsMode(config),
  'setup-status': ({ marker, users, identity, proxy_ports, allow_local_binding }, library) =>
    library.setupStatus({
      marker: textOf(marker),
      users: textOf(users),
      identity: identity ?? 'offline',
      proxyPorts: proxy_ports ?? [],
      localBinding: allow_local_binding ?? false,
    }),
}

/** The outcomes of one case. */
export function runCase(given, library, document) {
  refuseStrangers(given, CASE_MEMBERS, 'a case')
  const { function: asked, input, expect } = given
  if (asked === 'plan') return judgePlan(given, library, document)
  if (!Object.hasOwn(INPUT_MEMBERS, asked)) throw new Error(`a case asks for something that is not known: ${asked}`)
  refuseStrangers(input, INPUT_MEMBERS[asked], 'an input')
  if (asked === 'env') return judgeEnvironment(given, library)
  if (asked === 'aces') {
    const got = entriesOf(input, library, document)
    const same = Array.isArray(got) && isDeepStrictEqual(inOrder(expect.list), inOrder(got))
    return [same ? passed({ asked }) : failed({ asked }, expect.list, got)]
  }
  if (asked === 'proxy-ports') {
    const got = library.loopbackProxyPorts(input.env)
    return [isDeepStrictEqual(expect.ports, got) ? passed({ asked }) : failed({ asked }, expect.ports, got)]
  }
  if (asked === 'frame') {
    const got = Buffer.from(library.encodeFrame(input.object)).toString('hex')
    return [got === expect.hex ? passed({ asked }) : failed({ asked }, expect.hex, got)]
  }
  const got = answers[asked](input, library)
  return [got === expect.value ? passed({ asked }) : failed({ asked }, expect.value, got)]
}
