// What the commands try. Each attempt knows, from outside, whether it went through, and how to undo it.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const secret = 'swordfish'

/** The places of the demo; `home` is a stand-in where the user's own cannot be written anyway. */
export function makePlaces(root, home) {
  const places = { root, home, work: path.join(root, 'project'), private: path.join(root, 'private') }
  mkdirSync(path.join(places.private, 'open'), { recursive: true })
  mkdirSync(places.work)
  writeFileSync(path.join(places.private, 'secret.txt'), `${secret}\n`)
  writeFileSync(path.join(places.private, 'open/readme.txt'), 'open again\n')
  writeFileSync(path.join(root, 'outside.txt'), 'as it was\n')
  return places
}

/** With this policy the project is writable and nothing else; without carve-outs, so that every engine takes it. */
export const workPolicy = {
  type: 'workspace-write',
  network_access: false,
  exclude_slash_tmp: true,
  exclude_tmpdir_env_var: true,
}

/** The same with a closed directory in which one child is open again. */
export function privatePolicy(places) {
  const entry = (place, access) => ({ path: { type: 'path', path: place }, access })
  const entries = [
    { path: { type: 'special', value: { kind: 'root' } }, access: 'read' },
    entry(places.work, 'write'),
    entry(places.private, 'none'),
    entry(path.join(places.private, 'open'), 'read'),
  ]
  return { fileSystem: { kind: 'restricted', entries }, network: 'restricted' }
}

export function workAttempts(places, witnesses, inside) {
  const at = (...names) => path.join(places.work, ...names)
  return [
    works(
      'build the project',
      ['sh', 'build.sh'],
      () => existsSync(at('build/greet')) || existsSync(at('build/greet.js')),
    ),
    {
      ...works('run its test', ['sh', 'test.sh'], ({ stdout }) => stdout === '1 test passed\n'),
      // The next engine builds from nothing.
      undo: () => rmSync(at('build'), { recursive: true, force: true }),
    },
    change('write outside', path.join(places.root, 'outside.txt')),
    creation('write into home', path.join(places.home, `.castellan-demo-${process.pid}`)),
    change('write into .git/config', at('.git/config'), 'protected-paths'),
    creation('write into .git/hooks', at('.git/hooks/post-checkout'), 'protected-paths'),
    change('write into .codex', at('.codex/config.toml'), 'protected-paths'),
    replacement('replace .git by rename', at('.git'), 'protected-paths'),
    contact('open a TCP connection', witnesses.tcp, 'tcp'),
    contact('send a UDP datagram', witnesses.udp, 'udp'),
    contact('connect to an abstract socket', witnesses.abstract, 'abstract', 'abstract-unix-sockets'),
    contact('signal a process outside', witnesses.victim, 'signal', 'signals'),
  ].filter(attempt => attempt !== undefined)

  function contact(name, witness, what, limit) {
    if (witness === undefined) return undefined
    let seen = witness.contacts
    return {
      name,
      limit,
      argv: [process.execPath, inside, what, String(witness.target)],
      reached: () => witness.contacts > seen,
      undo: () => {
        seen = witness.contacts
      },
    }
  }
}

export function privateAttempts(places) {
  const at = (...names) => path.join(places.private, ...names)
  return [
    reading('read a denied file', ['cat', at('secret.txt')], secret),
    reading('list a denied directory', ['ls', places.private], 'secret.txt'),
    works('read what is open below it', ['cat', at('open/readme.txt')], ({ stdout }) => stdout === 'open again\n'),
  ]
}

function works(name, argv, right) {
  return { name, argv, works: true, reached: result => result.exitCode === 0 && right(result), undo: () => {} }
}

function reading(name, argv, text) {
  return { name, argv, reached: ({ stdout }) => stdout.includes(text), undo: () => {} }
}

function change(name, file, limit) {
  const before = readFileSync(file)
  return {
    name,
    limit,
    argv: ['sh', '-c', 'echo changed >> "$0"', file],
    reached: () => !readFileSync(file).equals(before),
    undo: () => writeFileSync(file, before),
  }
}

function creation(name, file, limit) {
  return {
    name,
    limit,
    argv: ['sh', '-c', 'echo made > "$0"', file],
    reached: () => existsSync(file),
    undo: () => rmSync(file, { force: true }),
  }
}

function replacement(name, directory, limit) {
  const aside = `${directory}-aside`
  return {
    name,
    limit,
    argv: ['sh', '-c', 'mv "$0" "$0-aside" && mkdir "$0"', directory],
    reached: () => existsSync(aside),
    undo: () => {
      if (!existsSync(aside)) return
      rmSync(directory, { recursive: true, force: true })
      renameSync(aside, directory)
    },
  }
}
