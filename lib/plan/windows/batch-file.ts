/**
 * A batch file is not started by the system but read by `cmd.exe`, which takes arguments apart by rules of its own, once for the line
 * and once more wherever the file uses them, and runs what it finds between. No quoting holds through both, so only arguments in
 * which nothing can be found are passed, and everything else is refused (spec/windows G.2).
 * Source: Microsoft, "cmd" (options and special characters).
 */
import { OptionError } from '../../errors.ts'
import { isBatchFile } from './command-line.ts'

/** What `cmd.exe` takes, in UTF-16 units. */
const LONGEST = 8191

/** Letters, digits and signs that mean nothing to `cmd.exe`, quoted or not. Blanks and `=,;` can part an argument and no more. */
const harmless = /^[\p{L}\p{N} _.,:;=+@~#$*?'[\]{}\\/-]*$/u
/** In quotes all but these are names' own characters; the file's own path also stands in parentheses often enough. */
const unusable = /["%&^!|<>\0-\x1f]/

/** Forced quotes; a back slash before the last one is doubled for the programs that the file hands it to. */
function quoted(argument: string): string {
  return `"${argument.replace(/\\+$/, '$&$&')}"`
}

export { isBatchFile }

/**
 * The line with which `shell` (the absolute path of `cmd.exe`) runs a batch file.
 *
 * @throws {OptionError} `args[N]` for an argument in which `cmd.exe` could find something, `file` for such a path, `args` for a line
 * that is too long
 */
export function batchCommandLine(shell: string, batchFile: string, args: readonly string[]): string {
  if (unusable.test(batchFile)) {
    throw new OptionError(
      'file',
      `cannot run the batch file ${JSON.stringify(batchFile)}: cmd.exe would read its path otherwise`,
    )
  }
  for (const [index, argument] of args.entries()) {
    if (harmless.test(argument)) continue
    const sign = [...argument].find(character => !harmless.test(character))
    throw new OptionError(
      `args[${index}]`,
      `cannot pass ${JSON.stringify(sign)} to a batch file, where cmd.exe acts on it. Hint: start the program that it starts`,
    )
  }
  // /d: no AutoRun. /v:off: no delayed expansion. /s with the outer quotes: the rest is taken as it is.
  const line = `${quoted(shell)} /d /e:on /v:off /s /c "${[batchFile, ...args].map(quoted).join(' ')}"`
  if (line.length > LONGEST) throw new OptionError('args', `the command line is longer than ${LONGEST} characters`)
  return line
}
