/** The bill of materials (CycloneDX) of a tarball: what it needs, and what is inside its prebuilt files. */
import { spawnSync } from 'node:child_process'

import { root } from '../prebuild/toolchain.mjs'

/**
 * Compiled into every addon. libc++ is the one that the pinned zig brings; its exception asks for no notice in binaries.
 */
function compiledIn(lock) {
  const { version, license } = lock.packages['node_modules/node-addon-api']
  const licence = id => [{ license: { id } }]
  return [
    {
      'bom-ref': `node-addon-api@${version}`,
      type: 'library',
      name: 'node-addon-api',
      version,
      purl: `pkg:npm/node-addon-api@${version}`,
      licenses: licence(license),
    },
    {
      'bom-ref': 'libcxx@17',
      type: 'library',
      name: 'libc++, libc++abi and libunwind',
      version: '17',
      licenses: [{ expression: 'Apache-2.0 WITH LLVM-exception' }],
    },
  ]
}

/** npm's bill of what is installed, with the tarball's name and hash, and what is compiled in. */
export function billOfMaterials({ manifest, lock, sha256 }) {
  const args = ['sbom', '--omit', 'dev', '--sbom-format', 'cyclonedx', '--package-lock-only']
  const { status, stdout, stderr } = spawnSync('npm', args, { cwd: root, encoding: 'utf8' })
  if (status !== 0) throw new Error(`npm sbom failed: ${stderr}`)
  const bill = JSON.parse(stdout)
  // npm calls it by the folder that it lies in.
  bill.metadata.component.name = manifest.name
  bill.metadata.component.hashes = [{ alg: 'SHA-256', content: sha256 }]
  bill.components.push(...compiledIn(lock))
  return bill
}
