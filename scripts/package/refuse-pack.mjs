// `npm pack` and `npm publish` of the checkout would publish its scripts. `npm pack --dry-run --ignore-scripts` still lists.
console.error('use `npm run package`, which makes the manifest that is published')
process.exitCode = 1
