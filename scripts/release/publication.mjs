/** May this be published, and how: what a registry and a user need to know where a version comes from. */

/**
 * What stands in the way of publishing with provenance, as sentences. npm signs a statement that names the repository, the
 * commit and the workflow; it does so only where the workflow may ask for an identity, and for the repository of the manifest.
 */
export function publicationFindings({ manifest, changelog, status, tags, environment }) {
  const found = []
  if (manifest.repository === undefined)
    found.push('package.json names no repository, which provenance is checked against')
  if (!new RegExp(`^## ${manifest.version.replaceAll('.', '\\.')}\\b`, 'm').test(changelog))
    found.push(`CHANGELOG.md has no section ${manifest.version}`)
  if (status !== '') found.push('there are changes that are not committed')
  if (!tags.includes(`v${manifest.version}`)) found.push(`the commit has no tag v${manifest.version}`)
  if (environment.ACTIONS_ID_TOKEN_REQUEST_URL === undefined && environment.SIGSTORE_ID_TOKEN === undefined)
    found.push(
      'nothing here can prove where this was built: publish from a workflow with the permission id-token: write',
    )
  return found
}

export function publishArguments(tarball) {
  return ['publish', tarball, '--provenance', '--access', 'public', '--ignore-scripts']
}
