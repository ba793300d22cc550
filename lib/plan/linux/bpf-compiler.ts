/**
 * From seccomp rules to a classic BPF program. The frame is fixed: another architecture's calls and x32 calls kill the
 * process, because their numbers mean something else; what no rule matches is allowed. The call is found by a balanced binary
 * search, and argument words are loaded only inside the block of a call that has rules: so the kernel (5.11 and later) proves
 * all other calls "always allowed" once, when the filter is installed, and skips the program for them.
 */
import { InternalError, unreachable } from '../../errors.ts'
import {
  BPF_JUMP_ANY_BIT,
  BPF_JUMP_EQUAL,
  BPF_JUMP_GREATER_OR_EQUAL,
  type BpfProgram,
  SECCOMP_DATA_ARCHITECTURE,
  SECCOMP_DATA_ARGUMENTS,
  SECCOMP_DATA_NUMBER,
  SECCOMP_RET_ALLOW,
  SECCOMP_RET_ERRNO,
  SECCOMP_RET_KILL_PROCESS,
} from './bpf.ts'
import { Assembler, type Label } from './bpf-assembler.ts'
import type { ArgumentTest, SeccompRule } from './seccomp.ts'
import { type Architecture, auditArchitecture, systemCallNumber } from './system-calls.ts'

/** __X32_SYSCALL_BIT: x32 calls carry the x86-64 architecture, told apart by this bit of the number only. */
const X32_BIT = 0x40000000
/** The number -1 is no call: tracers write it to skip one, and libraries probe with it. It stays ENOSYS. */
const NO_CALL = 0xffffffff

/** Calls that the architecture does not have are left out. Throws ERR_INTERNAL for malformed rules or too many of them. */
export function compileBpf(rules: readonly SeccompRule[], architecture: Architecture): BpfProgram {
  const assembler = new Assembler()
  const kill = assembler.return(SECCOMP_RET_KILL_PROCESS)
  const allow = assembler.return(SECCOMP_RET_ALLOW)
  const blocks = [...rulesByNumber(rules, architecture)]
    .sort(([left], [right]) => left - right)
    .map(([number, alternatives]) => ({ number, block: compileAlternatives(assembler, alternatives, allow) }))
  let entry = search(assembler, spansOf(blocks, allow), allow)
  if (architecture === 'x64') {
    const notX32 = assembler.jump(BPF_JUMP_EQUAL, NO_CALL, allow, kill)
    entry = assembler.jump(BPF_JUMP_GREATER_OR_EQUAL, X32_BIT, notX32, entry)
  }
  entry = assembler.load(SECCOMP_DATA_NUMBER, entry)
  entry = assembler.jump(BPF_JUMP_EQUAL, auditArchitecture[architecture], entry, kill)
  return assembler.finish(assembler.load(SECCOMP_DATA_ARCHITECTURE, entry))
}

function rulesByNumber(rules: readonly SeccompRule[], architecture: Architecture): Map<number, SeccompRule[]> {
  const byNumber = new Map<number, SeccompRule[]>()
  for (const rule of rules) {
    const number = systemCallNumber(rule.call, architecture)
    if (number === null) continue
    const alternatives = byNumber.get(number)
    if (alternatives === undefined) byNumber.set(number, [rule])
    else alternatives.push(rule)
  }
  return byNumber
}

/** From `first` on, until the next span begins, every number goes on at `block`. */
interface Span {
  readonly first: number
  readonly block: Label
}

/** All numbers in order. Neighbours with the same block are one span, so that a row of closed calls costs no more than one. */
function spansOf(
  blocks: readonly { readonly number: number; readonly block: Label }[],
  otherwise: Label,
): readonly Span[] {
  const spans: Span[] = [{ first: 0, block: otherwise }]
  const begin = (first: number, block: Label) => {
    if (spans.at(-1)?.first === first) spans.pop()
    if (spans.at(-1)?.block !== block) spans.push({ first, block })
  }
  for (const { number, block } of blocks) {
    begin(number, block)
    begin(number + 1, otherwise)
  }
  return spans
}

/** The number is loaded. Each comparison is with the first number of the upper half of the spans that are left. */
function search(assembler: Assembler, spans: readonly Span[], otherwise: Label): Label {
  const middle = spans.length >> 1
  const upperHalf = spans[middle]
  if (upperHalf === undefined) return otherwise
  if (spans.length === 1) return upperHalf.block
  const upper = search(assembler, spans.slice(middle), otherwise)
  const lower = search(assembler, spans.slice(0, middle), otherwise)
  return assembler.jump(BPF_JUMP_GREATER_OR_EQUAL, upperHalf.first, upper, lower)
}

/** The first rule that matches decides. */
function compileAlternatives(assembler: Assembler, rules: readonly SeccompRule[], otherwise: Label): Label {
  return rules.reduceRight((next, rule) => compileRule(assembler, rule, next), otherwise)
}

function compileRule(assembler: Assembler, rule: SeccompRule, otherwise: Label): Label {
  const { errno } = rule.action
  if (!Number.isInteger(errno) || errno < 1 || errno > 4095) {
    throw new InternalError(`errno ${errno} in a rule for ${rule.call}`)
  }
  const matched = assembler.return(SECCOMP_RET_ERRNO | errno)
  return rule.when.reduceRight((next, test) => compileTest(assembler, test, next, otherwise), matched)
}

function compileTest(assembler: Assembler, test: ArgumentTest, matched: Label, otherwise: Label): Label {
  switch (test.operator) {
    case 'equal':
    case 'masked-equal':
      return compileEqual(assembler, test, matched, otherwise)
    case 'not-equal':
    case 'masked-not-equal':
      return compileEqual(assembler, test, otherwise, matched)
    default:
      return unreachable(test.operator)
  }
}

/** Both halves of the argument must be equal under the mask; a half that the mask leaves out is not looked at. */
function compileEqual(assembler: Assembler, test: ArgumentTest, equal: Label, different: Label): Label {
  const { mask, value } = checkedOperands(test)
  const low = SECCOMP_DATA_ARGUMENTS + test.index * 8
  const whenLowEqual = compileHalf(assembler, low + 4, high32(mask), high32(value), equal, different)
  return compileHalf(assembler, low, low32(mask), low32(value), whenLowEqual, different)
}

function compileHalf(
  assembler: Assembler,
  offset: number,
  mask: number,
  value: number,
  equal: Label,
  different: Label,
): Label {
  if (mask === 0) return equal
  if (mask === 0xffffffff) return assembler.load(offset, assembler.jump(BPF_JUMP_EQUAL, value, equal, different))
  if (value === 0) return assembler.load(offset, assembler.jump(BPF_JUMP_ANY_BIT, mask, different, equal))
  const compare = assembler.jump(BPF_JUMP_EQUAL, value, equal, different)
  return assembler.load(offset, assembler.and(mask, compare))
}

/** A test that could never or would always match is a mistake in a rule, and a rule must not silently mean nothing. */
function checkedOperands(test: ArgumentTest): { readonly mask: bigint; readonly value: bigint } {
  const all = test.width === 64 ? 0xffffffffffffffffn : 0xffffffffn
  const masked = test.operator === 'masked-equal' || test.operator === 'masked-not-equal'
  if (masked !== (test.mask !== undefined)) throw new InternalError(`mask of a ${test.operator} test`)
  const mask = test.mask ?? all
  const { value } = test
  if (mask <= 0n || mask > all || value < 0n || value > all || (value & ~mask) !== 0n) {
    throw new InternalError(`operands of a ${test.operator} test: mask ${mask}, value ${value}`)
  }
  return { mask, value }
}

function low32(value: bigint): number {
  return Number(value & 0xffffffffn)
}

function high32(value: bigint): number {
  return Number(value >> 32n)
}
