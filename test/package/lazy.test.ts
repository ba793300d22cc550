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
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', watch], {
    cwd: root,
    encoding: 'utf8',
  })
  return JSON.parse(output) as string[]
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
})
