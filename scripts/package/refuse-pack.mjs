// `npm pack` and `npm publish` of the checkout would publish its scripts. `npm pack --dry-run --ignore-scripts` still lists.
console.error('use `npm run pack`, which makes the manifest that is published, or `npm run release -- --dry-run`')
process.exitCode = 1
