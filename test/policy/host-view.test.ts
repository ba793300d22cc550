import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fileSystemView } from '../../lib/host/file-system-view.ts'
import { currentSurroundings } from '../../lib/host/surroundings.ts'
import { path } from './fake-files.ts'

let root = ''
const at = (name: string) => path(join(root, name))

beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'castellan-view-')))
  mkdirSync(at('directory'))
  writeFileSync(at('file'), '\ufeffgitdir: x')
  writeFileSync(at('bytes'), Buffer.from([0x61, 0xff]))
  symlinkSync('directory', at('link'))
  symlinkSync('nowhere', at('dangling'))
  symlinkSync('loop', at('loop'))
  execFileSync('mkfifo', [at('pipe')])
})

afterAll(() => {
  rmSync(root, { recursive: true, force: true })
})

describe('the real disk', () => {
  it.each([
    ['directory', 'directory', 'directory'],
    ['file', 'file', 'file'],
    ['pipe', 'other', 'other'],
    ['link', 'symlink', 'directory'],
    ['dangling', 'symlink', 'missing'],
    ['loop', 'symlink', 'missing'],
    ['nothing', 'missing', 'missing'],
    ['file/below', 'missing', 'missing'],
  ])('has %s as %s, followed as %s', (name, kind, targetKind) => {
    expect(fileSystemView.kindOf(at(name))).toBe(kind)
    expect(fileSystemView.targetKindOf(at(name))).toBe(targetKind)
  })

  it('resolves what exists completely and nothing else', () => {
    expect(fileSystemView.realPath(at('link'))).toBe(at('directory'))
    for (const name of ['dangling', 'loop', 'nothing', 'link/nothing', 'file/x']) {
      expect(fileSystemView.realPath(at(name))).toBeNull()
    }
  })

  it('reads text up to the limit, with its byte-order mark', () => {
    expect(fileSystemView.readText(at('file'), 12)).toBe('\ufeffgitdir: x')
    expect(fileSystemView.readText(at('file'), 11)).toBeNull()
  })

  it.each(['bytes', 'directory', 'pipe', 'dangling', 'nothing'])(
    'does not read %s as text, and does not wait',
    name => {
      expect(fileSystemView.readText(at(name), 100)).toBeNull()
    },
  )

  it('takes a path that the system cannot take as missing', () => {
    for (const name of ['a\0b', 'x'.repeat(300), 'x/'.repeat(5000)]) {
      const odd = `${root}/${name}` as ReturnType<typeof path>
      expect(fileSystemView.kindOf(odd)).toBe('missing')
      expect(fileSystemView.targetKindOf(odd)).toBe('missing')
      expect(fileSystemView.realPath(odd)).toBeNull()
      expect(fileSystemView.readText(odd, 10)).toBeNull()
    }
  })
})

describe('current surroundings', () => {
  it('take HOME and TMPDIR as given and make the working directory absolute', () => {
    const env = { HOME: '/home/me', TMPDIR: 'tmp' }
    const here = currentSurroundings({ cwd: '~/repo/../x', processCwd: '/p', env })
    expect(here).toMatchObject({
      policyCwd: '/home/me/x',
      processCwd: '/p',
      home: '/home/me',
      temporaryDirectory: 'tmp',
    })
    expect(currentSurroundings({ cwd: 'y', processCwd: '/p', env }).policyCwd).toBe('/p/y')
    expect(currentSurroundings({ processCwd: '/p', env }).policyCwd).toBe('/p')
  })

  it('ask the password database when HOME is unset or empty', () => {
    const home = currentSurroundings({ env: {} }).home
    expect(home).toMatch(/^\//)
    expect(currentSurroundings({ env: { HOME: '' } }).home).toBe(home)
  })
})
