/** The licences of what a user installs with the package, or has inside its prebuilt files. */

/** Those that may be passed on with a library under the MIT licence, and ask for no more than a notice. */
export const acceptedLicences = ['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'Apache-2.0', 'BlueOak-1.0.0']

/** The packages of a lock file that an installation brings: everything but what is only for development. */
export function shippedPackages(lock) {
  return Object.entries(lock.packages)
    .filter(([place, { dev, devOptional }]) => place !== '' && dev !== true && devOptional !== true)
    .map(([place, { version, license, integrity }]) => ({
      name: place.replace(/^.*node_modules\//, ''),
      version,
      license,
      integrity,
    }))
}

/** What is wrong with their licences, as sentences. A choice such as `(MIT OR GPL-3.0)` needs one that is accepted. */
export function licenceFindings(packages) {
  return packages
    .filter(({ license }) => !isAccepted(license))
    .map(({ name, version, license }) => `${name} ${version} has the licence ${license ?? '(none)'}`)
}

function isAccepted(expression) {
  if (typeof expression !== 'string') return false
  const bare = expression.replace(/^\((.*)\)$/, '$1')
  if (/ AND | WITH |[()]/.test(bare)) return false
  return bare.split(' OR ').some(one => acceptedLicences.includes(one))
}
