/**
 * The manifest that is published: the repository's without what only a checkout needs. There is no script in it, so that no
 * package manager has anything to run, ask about or refuse.
 */
const kept = [
  'name',
  'version',
  'description',
  'keywords',
  'license',
  'author',
  'homepage',
  'repository',
  'bugs',
].concat(
  [
    'type',
    'sideEffects',
    'engines',
    'exports',
    'bin',
    'files',
    'dependencies',
    'peerDependencies',
    'peerDependenciesMeta',
  ],
  'gypfile',
)
const dropped = ['scripts', 'devDependencies', 'private']

/** Throws for a member that is in neither list, so that a new one is decided about. */
export function publishedManifest(manifest) {
  const strange = Object.keys(manifest).filter(name => !kept.includes(name) && !dropped.includes(name))
  if (strange.length > 0)
    throw new Error(`package.json has ${strange.join(', ')}: say in manifest.mjs whether it is published`)
  return Object.fromEntries(Object.entries(manifest).filter(([name]) => kept.includes(name)))
}

/** What must not be published, as sentences. `files` are the names in the tarball. */
export function packedFindings(manifest, files) {
  const found = []
  if (manifest.scripts !== undefined) found.push('the manifest has scripts')
  if (manifest.devDependencies !== undefined) found.push('the manifest has development dependencies')
  if (manifest.gypfile !== false) found.push('the manifest lets npm add an install script')
  for (const name of files) {
    if (/(^|\/)(binding\.gyp|CMakeLists\.txt)$|\.(gypi?|cc|h)$/.test(name))
      found.push(`${name} makes package managers build`)
    if (/(^|\/)\.|\.(key|pem|env|tgz)$|(^|\/)node_modules\//.test(name)) found.push(`${name} is nobody's business`)
  }
  const entries = Object.values(manifest.exports).flatMap(entry =>
    typeof entry === 'string' ? [entry] : Object.values(entry),
  )
  for (const entry of [...entries, ...Object.values(manifest.bin)]) {
    if (!files.includes(entry.replace('./', ''))) found.push(`${entry} is missing`)
  }
  return found
}

/** Bytes of the whole release, with the addons of every target. */
export const packageBudget = { packed: 3 * 2 ** 20, unpacked: 8 * 2 ** 20 }

/** What is started as a program must be one for everybody who installs it: npm keeps the bits that it is given. */
const isProgram = (manifest, name) =>
  /^prebuilds\/.*\/castellan-(seatbelt|helper\.exe)$/.test(name) || Object.values(manifest.bin).includes(`./${name}`)

/** Sizes and execute bits that must not be published, as sentences. `files` are `{ path, mode }` in the tarball. */
export function tarballFindings(manifest, { files, packedBytes, unpackedBytes }) {
  const found = []
  if (packedBytes > packageBudget.packed) found.push(`the tarball has ${packedBytes} bytes`)
  if (unpackedBytes > packageBudget.unpacked) found.push(`unpacked it has ${unpackedBytes} bytes`)
  for (const { path, mode } of files) {
    if (isProgram(manifest, path) && (mode & 0o111) !== 0o111) found.push(`${path} cannot be executed`)
  }
  return found
}
