/**
 * Which files a command name may mean. The child tries them in order inside the sandbox, as execvp(3) does, because only
 * there it is known what can be seen and executed.
 */

/** What execvp(3) uses when the environment has no PATH. */
const defaultPath = '/usr/local/bin:/bin:/usr/bin'

/** A name with a slash means itself (relative to the working directory); any other is looked up on PATH. */
export function programCandidates(file: string, path: string | undefined): string[] {
  if (file.includes('/')) return [file]
  const folders = new Set((path ?? defaultPath).split(':'))
  return [...folders].map(folder => (folder === '' ? `./${file}` : `${folder}/${file}`))
}
