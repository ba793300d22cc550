/** The published files of dist/bundle, each with the module of dist/ that it starts from. */
export const entries = {
  index: 'index.js',
  policy: 'policy/index.js',
  auth: 'auth/index.js',
  'apply-patch': 'apply-patch/index.js',
  entry: 'entry/index.js',
  castellan: 'cli/main.js',
  'codex-linux-sandbox': 'cli/codex-linux-sandbox.js',
  'entry-program': 'cli/entry.js',
}
