/** The published files of dist/bundle, each with the module of dist/ that it starts from. */
export const libraries = {
  index: 'index.js',
  policy: 'policy/index.js',
  auth: 'auth/index.js',
  'apply-patch': 'apply-patch/index.js',
  entry: 'entry/index.js',
}

/** The programs. Each module exports `ended`, a promise. */
export const programs = {
  castellan: 'cli/main.js',
  'codex-linux-sandbox': 'cli/codex-linux-sandbox.js',
  'entry-program': 'cli/entry.js',
}

/**
 * Functions of index.js that are loaded with the first call of any of them: nine tenths of the library are behind these. The
 * load is synchronous, so that a call reads its options, the working directory and the environment when it is made.
 */
export const deferred = {
  'sandbox.js': ['createSandbox'],
  'doctor.js': ['doctor'],
  'entry/directory.js': ['makeEntryDirectory'],
  'sandbox/inspect.js': ['inspectPolicy'],
  'sandbox/restrict.js': ['restrictCurrentProcess'],
  'sandbox/windows-cleanup.js': ['cleanUpWindows'],
  'sandbox/windows-setup.js': ['setUpWindows', 'windowsSetupStatus'],
}
