/** The filters of a profile (spec/macos F.3): what each of them asks of an operation. */
import { InternalError } from '../../errors.ts'
import type { Sbpl } from './sbpl.ts'
import { quoteForRegex, sbplRegex } from './sbpl-regex.ts'

/** An internet address or the path of a unix socket. */
export type SbplAddress = { readonly ip: string; readonly port: number } | { readonly unix: string }

/** What an operation is about. Only what is known of it is given. */
export interface SbplSubject {
  /** As the kernel has it. */
  readonly path?: string
  readonly vnodeType?: string
  readonly target?: 'self' | 'same-sandbox' | 'others'
  readonly globalName?: string
  readonly localName?: string
  readonly sysctl?: string
  readonly ipcName?: string
  readonly destination?: string
  readonly registryEntryClass?: string
  readonly userClientClass?: string
  readonly extensions?: readonly string[]
  readonly socketDomain?: string
  readonly socketProtocol?: number
  readonly macPolicyName?: string
  readonly macSyscallNumber?: number
  readonly fsctlCommand?: string
  readonly local?: SbplAddress
  readonly remote?: SbplAddress
}

/** `anchored`: whether a subpath matches the path itself. */
export type SbplFilter = (subject: SbplSubject, anchored: boolean) => boolean

export interface FilterContext {
  readonly parameters: Readonly<Record<string, string>>
}

export function compileFilter(expression: Sbpl, context: FilterContext): SbplFilter {
  const [name, args] = callOf(expression)
  const compile = Object.hasOwn(filters, name) ? filters[name] : undefined
  if (compile === undefined) throw new InternalError(`a profile holds a filter that is not known: ${name}`)
  return compile(args, context)
}

function callOf(expression: Sbpl): readonly [string, readonly Sbpl[]] {
  const [head, ...args] = expression.kind === 'list' ? expression.items : []
  if (head?.kind !== 'symbol') throw new InternalError('a profile holds something that is not a filter')
  return [head.name, args]
}

function textOf(expression: Sbpl | undefined, context: FilterContext): string {
  if (expression?.kind === 'string' || expression?.kind === 'raw') return expression.text
  if (expression?.kind === 'list') {
    const [name, args] = callOf(expression)
    if (name === 'string-append' && args.length > 0) return args.map(arg => textOf(arg, context)).join('')
    if (name === 'regex-quote' && args.length === 1) return quoteForRegex(textOf(args[0], context))
    if (name === 'param' && args.length === 1) return parameterOf(textOf(args[0], context), context)
  }
  throw new InternalError('a filter of a profile needs text')
}

function parameterOf(key: string, { parameters }: FilterContext): string {
  const value = Object.hasOwn(parameters, key) ? parameters[key] : undefined
  if (value === undefined) throw new InternalError(`a profile reads the parameter ${key}, which has no value`)
  return value
}

function wordOf(expression: Sbpl | undefined): string {
  if (expression?.kind !== 'symbol') throw new InternalError('a filter of a profile needs a word')
  return expression.name
}

type Compiler = (args: readonly Sbpl[], context: FilterContext) => SbplFilter
type TextMember = 'globalName' | 'localName' | 'sysctl' | 'ipcName' | 'destination' | 'path'

/** A filter whose arguments are texts, one of which must fit. */
function anyText(member: TextMember, fits: (value: string, text: string) => boolean): Compiler {
  return (args, context) => {
    const texts = nonEmpty(args).map(arg => textOf(arg, context))
    return subject => {
      const value = subject[member]
      return value !== undefined && texts.some(text => fits(value, text))
    }
  }
}

function anyRegex(member: TextMember): Compiler {
  return (args, context) => {
    const patterns = nonEmpty(args).map(arg => sbplRegex(textOf(arg, context)))
    return subject => {
      const value = subject[member]
      return value !== undefined && patterns.some(pattern => pattern.test(value))
    }
  }
}

function anyWord(member: 'vnodeType' | 'socketDomain' | 'fsctlCommand'): Compiler {
  return args => {
    const words = nonEmpty(args).map(wordOf)
    return subject => words.includes(subject[member] ?? '')
  }
}

function anyNumber(member: 'socketProtocol' | 'macSyscallNumber'): Compiler {
  return args => {
    const numbers = nonEmpty(args).map(arg => {
      if (arg.kind !== 'number') throw new InternalError('a filter of a profile needs a number')
      return arg.value
    })
    return subject => numbers.some(number => number === subject[member])
  }
}

function anyName(member: 'registryEntryClass' | 'userClientClass' | 'macPolicyName'): Compiler {
  return (args, context) => {
    const names = nonEmpty(args).map(arg => textOf(arg, context))
    return subject => names.includes(subject[member] ?? '')
  }
}

function nonEmpty(args: readonly Sbpl[]): readonly Sbpl[] {
  if (args.length === 0) throw new InternalError('a filter of a profile has no argument')
  return args
}

function isBelow(path: string, root: string): boolean {
  return path.length > root.length && (root === '/' || (path.startsWith(root) && path[root.length] === '/'))
}

const subpathFilter: Compiler = (args, context) => {
  const roots = nonEmpty(args).map(arg => textOf(arg, context))
  return ({ path }, anchored) =>
    path !== undefined && roots.some(root => isBelow(path, root) || (anchored && path === root))
}

const combine =
  (join: (matches: (filter: SbplFilter) => boolean, all: readonly SbplFilter[]) => boolean): Compiler =>
  (args, context) => {
    const all = nonEmpty(args).map(arg => compileFilter(arg, context))
    return (subject, anchored) => join(filter => filter(subject, anchored), all)
  }

const loopback = new Set(['127.0.0.1', '::1'])
const wildcard = new Set(['0.0.0.0', '::'])

function addressFilter(side: 'local' | 'remote'): Compiler {
  return (args, context) => {
    const kind = wordOf(args[0])
    if (kind === 'unix-socket') {
      const places = args.slice(1).map(arg => compileFilter(arg, context))
      return (subject, anchored) => {
        const address = subject[side]
        if (address === undefined || !('unix' in address)) return false
        return places.length === 0 || places.some(place => place({ path: address.unix }, anchored))
      }
    }
    if (kind !== 'ip' || args.length !== 2) throw new InternalError(`a profile holds an address of the kind ${kind}`)
    const found = /^(\*|localhost):(\*|[0-9]{1,5})$/.exec(textOf(args[1], context))
    if (found === null) throw new InternalError('the host of an address in a profile is localhost or *')
    const [, host, port] = found
    return subject => {
      const address = subject[side]
      if (address === undefined || !('ip' in address)) return false
      const hostFits = host === '*' || loopback.has(address.ip) || (side === 'local' && wildcard.has(address.ip))
      return hostFits && (port === '*' || Number(port) === address.port)
    }
  }
}

const equal = (value: string, text: string) => value === text
const startsWith = (value: string, text: string) => value.startsWith(text)

const filters: Readonly<Record<string, Compiler>> = {
  literal: anyText('path', equal),
  subpath: subpathFilter,
  'path-ancestors': anyText('path', (value, text) => isBelow(text, value)),
  regex: anyRegex('path'),
  'global-name': anyText('globalName', equal),
  'global-name-prefix': anyText('globalName', startsWith),
  'local-name': anyText('localName', equal),
  'sysctl-name': anyText('sysctl', equal),
  'sysctl-name-prefix': anyText('sysctl', startsWith),
  'ipc-posix-name': anyText('ipcName', equal),
  'ipc-posix-name-prefix': anyText('ipcName', startsWith),
  'ipc-posix-name-regex': anyRegex('ipcName'),
  'appleevent-destination': anyText('destination', equal),
  'iokit-registry-entry-class': anyName('registryEntryClass'),
  'iokit-user-client-class': anyName('userClientClass'),
  'mac-policy-name': anyName('macPolicyName'),
  'vnode-type': anyWord('vnodeType'),
  'socket-domain': anyWord('socketDomain'),
  'fsctl-command': anyWord('fsctlCommand'),
  'socket-protocol': anyNumber('socketProtocol'),
  'mac-syscall-number': anyNumber('macSyscallNumber'),
  extension: (args, context) => {
    const classes = nonEmpty(args).map(arg => textOf(arg, context))
    return subject => classes.some(name => subject.extensions?.includes(name) === true)
  },
  target: args => {
    const word = wordOf(args[0])
    if (word === 'same-sandbox') return ({ target }) => target === 'same-sandbox' || target === 'self'
    if (word === 'self' || word === 'others') return ({ target }) => target === word
    throw new InternalError(`a profile holds a target that is not known: ${word}`)
  },
  local: addressFilter('local'),
  remote: addressFilter('remote'),
  'require-all': combine((matches, all) => all.every(matches)),
  'require-any': combine((matches, all) => all.some(matches)),
  'require-not': combine((matches, all) => !all.some(matches)),
}
