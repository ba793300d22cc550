/**
 * One text from many arguments, since a Windows process gets no list (spec/windows G.2), and the model that takes it apart again.
 * Source: Microsoft, "CommandLineToArgvW function", "Parsing C command-line arguments".
 */
import { OptionError } from '../../errors.ts'

/** The longest text that CreateProcess takes, with its NUL, in UTF-16 units. */
const LONGEST = 32_767

/** One argument as the program's start-up code will read it back. */
export function quoteArgument(argument: string): string {
  if (argument !== '' && !/[ \t\n\r\v"]/.test(argument)) return argument
  // Backslashes mean themselves, unless a quote follows: one of the text, or the closing one.
  return `"${argument.replace(/(\\*)"/g, '$1$1\\"').replace(/\\+$/, '$&$&')}"`
}

/** The first one is read by other rules: it ends at a blank, or at the next quote when it begins with one. Nothing escapes. */
function quoteProgram(program: string): string {
  if (program === '' || program.includes('"')) {
    throw new OptionError('file', `no program can be named ${JSON.stringify(program)}`)
  }
  return /[ \t]/.test(program) ? `"${program}"` : program
}

/** A batch file is run by `cmd.exe`, which takes arguments apart by rules of its own and runs what it finds in them. */
export function isBatchFile(program: string): boolean {
  // The system looks past blanks and dots at the end of a name.
  return /\.(bat|cmd)[. ]*$/i.test(program)
}

/**
 * The command line for a program and its arguments.
 *
 * @throws {OptionError} `file` for a batch file, `args` for a NUL, and for a line that is too long
 */
export function commandLine(program: string, args: readonly string[]): string {
  if (isBatchFile(program)) {
    const hint = 'run cmd.exe yourself, if its reading of the arguments is what is meant'
    throw new OptionError('file', `cannot pass arguments unchanged to the batch file ${program}. Hint: ${hint}`)
  }
  const line = [quoteProgram(program), ...args.map(quoteArgument)].join(' ')
  if (line.includes('\0')) throw new OptionError('args', 'an argument has a NUL in it')
  if (line.length >= LONGEST) throw new OptionError('args', `the command line is longer than ${LONGEST - 1} characters`)
  return line
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t'
}

function readProgram(line: string): { readonly program: string; readonly rest: number } {
  if (line.startsWith('"')) {
    const end = line.indexOf('"', 1)
    return end === -1 ? { program: line.slice(1), rest: line.length } : { program: line.slice(1, end), rest: end + 1 }
  }
  const end = line.search(/[ \t]/)
  return end === -1 ? { program: line, rest: line.length } : { program: line.slice(0, end), rest: end }
}

/** The argument that begins at `at`. Two quotes inside quotes are one of the text and close (CommandLineToArgvW). */
function readArgument(line: string, at: number): { readonly argument: string; readonly end: number } {
  let argument = ''
  let quoted = false
  let index = at
  while (index < line.length && (quoted || !isBlank(line[index]))) {
    const slashes = /^\\*/.exec(line.slice(index))![0].length
    index += slashes
    if (line[index] !== '"') {
      argument += '\\'.repeat(slashes)
      if (slashes > 0) continue
      argument += line[index]
      index++
      continue
    }
    argument += '\\'.repeat(Math.floor(slashes / 2))
    if (slashes % 2 === 1) argument += '"'
    else if (quoted && line[index + 1] === '"') {
      argument += '"'
      quoted = false
      index++
    } else quoted = !quoted
    index++
  }
  return { argument, end: index }
}

/** What a program finds: the model of CommandLineToArgvW for a line that is not empty. */
export function splitCommandLine(line: string): string[] {
  const { program, rest } = readProgram(line)
  const list = [program]
  let index = rest
  for (;;) {
    while (isBlank(line[index])) index++
    if (index >= line.length) return list
    const { argument, end } = readArgument(line, index)
    list.push(argument)
    index = end
  }
}
