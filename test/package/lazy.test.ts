/** What an import of the library does not load: zod, undici, the keyring and the addon wait until something needs them. */
import { execFileSync } from 'node:child_process'
import { beforeAll, describe, expect, it } from 'vitest'

import { manifest, requireBuild, root } from './repository.ts'

const subpaths = Object.keys(manifest.exports).filter(subpath => subpath !== './package.json')

beforeAll(requireBuild)

/** The packages that `script` loads, by import or by require, and the addons. */
function loadedBy(script: string): string[] {
  const hook = `
    export async function resolve(name, context, next) {
      const found = await next(name, context)
      if (found.url.includes('/node_modules/')) throw new Error('imports ' + name)
      return found
    }`
  const watch = `
    import Module, { register } from 'node:module'
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hook)}))
    ${script}
    const names = Object.keys(Module._cache).filter(name => /node_modules|[.]node$/.test(name))
    const packages = names.map(name => /node_modules.((?:@[^\\\\/]+.)?[^\\\\/]+)/.exec(name)?.[1] ?? 'the addon')
    console.log(JSON.stringify([...new Set(packages)]))`
  return run(watch) as string[]
}

/** What a module prints, from JSON. */
function run(source: string): unknown {
  const args = ['--input-type=module', '--eval', source]
  return JSON.parse(execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' }))
}

describe('an import', () => {
  const light = subpaths.filter(subpath => subpath !== './policy')
  it.each(light)('of %s loads no package and no addon', subpath => {
    expect(loadedBy(`await import('${manifest.name}${subpath.slice(1)}')`)).toEqual([])
  })

  it('is noticed when it does: a policy that is read needs zod', () => {
    const script = `
      const { AuthManager } = await import('${manifest.name}/auth')
      await AuthManager.open({ home: '/nowhere', storage: 'no such' }).catch(() => {})`
    expect(loadedBy(script)).toEqual(['zod'])
  })

  it('of castellan reads a small part of the library: the rest is read by the first call', () => {
    const bytesRead = `
      const sizes = Object.keys(Module._cache).filter(name => /bundle/.test(name)).map(name => statSync(name).size)
      console.log(JSON.stringify(sizes.reduce((one, other) => one + other, 0)))`
    const output = (call: string) =>
      run(`
        import Module from 'node:module'
        import { statSync } from 'node:fs'
        const castellan = await import('${manifest.name}')
        ${call}
        ${bytesRead}`)
    expect(output('')).toBeLessThan(80_000)
    expect(output('castellan.doctor().catch(() => {})')).toBeGreaterThan(300_000)
  })
})

describe('a function that is loaded with its first call', () => {
  it('reads the working directory when it is called, and fails as before', () => {
    const answer = run(`
      import { createSandbox, policies, restrictCurrentProcess } from '${manifest.name}'
      const before = process.cwd()
      const made = createSandbox({ policy: policies.dangerFullAccess() })
      process.chdir('/')
      const rejected = await createSandbox({ polices: 1 }).catch(error => error.code)
      let thrown
      try { restrictCurrentProcess({ polices: 1 }) } catch (error) { thrown = error.code }
      const sandbox = await made
      console.log(JSON.stringify({ same: sandbox.cwd === before, rejected, thrown }))
      await sandbox[Symbol.asyncDispose]()`)
    expect(answer).toEqual({ same: true, rejected: 'ERR_INVALID_OPTION', thrown: 'ERR_INVALID_OPTION' })
  })

  it('throws errors of the classes that were there before it', () => {
    const answer = run(`
      import { createSandbox, OptionError, PolicyError } from '${manifest.name}'
      import { parseSandboxPolicy } from '${manifest.name}/policy'
      const error = await createSandbox({ polices: 1 }).catch(one => one)
      const made = []
      try { parseSandboxPolicy('') } catch (other) { made.push(other.constructor === PolicyError) }
      console.log(JSON.stringify([error.constructor === OptionError, ...made]))`)
    expect(answer).toEqual([true, true])
  })
})
