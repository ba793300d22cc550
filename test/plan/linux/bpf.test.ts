import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LibraryError } from '../../../lib/errors.ts'
import {
  BPF_JUMP,
  BPF_RETURN,
  type BpfProgram,
  decodeBpf,
  dumpBpf,
  encodeBpf,
  SECCOMP_RET_ALLOW,
} from '../../../lib/plan/linux/bpf.ts'
import { compileBpf } from '../../../lib/plan/linux/bpf-compiler.ts'
import { checkBpf, runBpf } from '../../../lib/plan/linux/bpf-machine.ts'
import type { ArgumentTest, SeccompRule } from '../../../lib/plan/linux/seccomp.ts'
import {
  type Architecture,
  auditArchitecture,
  systemCallNames,
  systemCallNumber,
} from '../../../lib/plan/linux/system-calls.ts'

const words = [0n, 1n, 2n, 3n, 0x10n, 0x80000000n, 0xffffffffn, 0x100000000n, 0x1_0000_0001n, 0xffff_ffff_ffff_ffffn]
const word = fc.oneof(fc.constantFrom(...words), fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }))

const test: fc.Arbitrary<ArgumentTest> = fc
  .record({
    index: fc.constantFrom(0, 1, 2, 3, 4, 5),
    width: fc.constantFrom(32, 64),
    operator: fc.constantFrom('equal', 'not-equal', 'masked-equal', 'masked-not-equal'),
    mask: word,
    value: word,
  })
  .map(({ index, width, operator, mask, value }) => {
    const all = width === 64 ? 0xffff_ffff_ffff_ffffn : 0xffffffffn
    if (operator === 'equal' || operator === 'not-equal') return { index, width, operator, value: value & all }
    const usable = (mask & all) === 0n ? all : mask & all
    return { index, width, operator, mask: usable, value: value & usable }
  }) as fc.Arbitrary<ArgumentTest>

const rule = (calls: readonly string[]): fc.Arbitrary<SeccompRule> =>
  fc.record({
    call: fc.constantFrom(...calls),
    when: fc.array(test, { maxLength: 3 }),
    action: fc.record({ kind: fc.constant('errno' as const), errno: fc.integer({ min: 1, max: 4095 }) }),
    reason: fc.constant('test'),
  })

type Arguments = [bigint, bigint, bigint, bigint, bigint, bigint]
const args: fc.Arbitrary<Arguments> = fc.tuple(word, word, word, word, word, word)

/** What the rules mean, read straight off their definition. */
function expectedErrno(rules: readonly SeccompRule[], call: string, values: Arguments): number {
  const holds = (one: ArgumentTest) => {
    const argument = one.width === 64 ? values[one.index] : values[one.index] & 0xffffffffn
    const equal = (argument & (one.mask ?? 0xffff_ffff_ffff_ffffn)) === one.value
    return one.operator.endsWith('not-equal') ? !equal : equal
  }
  return rules.find(one => one.call === call && one.when.every(holds))?.action.errno ?? 0
}

const architecture = fc.constantFrom<Architecture>('x64', 'arm64')
const many = systemCallNames.filter(name => systemCallNumber(name, 'arm64') !== null)

describe('compileBpf', () => {
  it('makes a program that means what the rules mean, for every call and argument', () => {
    const calls = many.slice(0, 6)
    fc.assert(
      fc.property(
        architecture,
        fc.array(rule(calls), { maxLength: 12 }),
        fc.constantFrom(...calls),
        args,
        (on, rules, name, values) => {
          const data = { arch: auditArchitecture[on], nr: systemCallNumber(name, on)!, args: values }
          expect(runBpf(compileBpf(rules, on), data).data).toBe(expectedErrno(rules, name, values))
        },
      ),
      { numRuns: 500 },
    )
  })

  it('reaches every rule of a program that is longer than a conditional jump', () => {
    const sets = fc.array(rule(many), { minLength: 150, maxLength: 250 })
    fc.assert(
      fc.property(sets, args, (rules, values) => {
        const program = compileBpf(rules, 'x64')
        expect(program.length).toBeGreaterThan(255)
        for (const name of many) {
          const data = { arch: auditArchitecture.x64, nr: systemCallNumber(name, 'x64')!, args: values }
          expect(runBpf(program, data).data).toBe(expectedErrno(rules, name, values))
        }
      }),
      { numRuns: 25 },
    )
  })

  it('looks for neighbours that mean the same as one', () => {
    const neighbours = ['mount', 'umount2', 'pivot_root'].map(call => systemCallNumber(call, 'arm64')!)
    expect(neighbours).toEqual([40, 39, 41])
    const deny = (call: string): SeccompRule => ({
      call,
      when: [],
      action: { kind: 'errno', errno: 1 },
      reason: 'test',
    })
    const length = compileBpf([deny('mount')], 'arm64').length
    expect(compileBpf([deny('mount'), deny('umount2'), deny('pivot_root')], 'arm64')).toHaveLength(length)
  })

  it('finds a call in a logarithmic number of steps', () => {
    const rules = many.map(call => ({ call, when: [], action: { kind: 'errno' as const, errno: 1 }, reason: 'test' }))
    const program = compileBpf(rules, 'arm64')
    const steps = many.map(name => {
      const nr = systemCallNumber(name, 'arm64')!
      return runBpf(program, { arch: auditArchitecture.arm64, nr, args: [0n, 0n, 0n, 0n, 0n, 0n] }).steps
    })
    expect(Math.max(...steps)).toBeLessThanOrEqual(Math.ceil(Math.log2(many.length)) + 5)
  })

  it('refuses a program that is longer than the kernel takes', () => {
    const rules = Array.from({ length: 1400 }, (_, value) => ({
      call: 'ioctl',
      when: [{ index: 0, width: 64, operator: 'equal', value: BigInt(value) * 0x1_0000_0003n }] as const,
      action: { kind: 'errno' as const, errno: 1 },
      reason: 'test',
    }))
    expect(() => compileBpf(rules, 'x64')).toThrow(/the kernel takes 4096/)
    expect(compileBpf(rules.slice(0, 700), 'x64').length).toBeLessThanOrEqual(4096)
  })

  const base = { call: 'ioctl', action: { kind: 'errno', errno: 1 }, reason: 'test' } as const
  const malformed: readonly (readonly [string, SeccompRule])[] = [
    ['a mask of zero', { ...base, when: [{ index: 0, width: 32, operator: 'masked-equal', mask: 0n, value: 0n }] }],
    [
      'a value outside its mask',
      { ...base, when: [{ index: 0, width: 32, operator: 'masked-equal', mask: 1n, value: 2n }] },
    ],
    ['a missing mask', { ...base, when: [{ index: 0, width: 32, operator: 'masked-not-equal', value: 0n }] }],
    [
      'a mask that is not asked for',
      { ...base, when: [{ index: 0, width: 32, operator: 'equal', mask: 1n, value: 1n }] },
    ],
    [
      'a value wider than the argument',
      { ...base, when: [{ index: 0, width: 32, operator: 'equal', value: 1n << 32n }] },
    ],
    ['a negative value', { ...base, when: [{ index: 0, width: 64, operator: 'equal', value: -1n }] }],
    ['an errno of zero', { ...base, when: [], action: { kind: 'errno', errno: 0 } }],
    ['an unknown call', { ...base, call: 'frobnicate', when: [] }],
  ]
  it.each(malformed)('refuses a rule with %s', (_, broken) => {
    expect(() => compileBpf([broken], 'x64')).toThrow(LibraryError)
  })
})

describe('the encoding', () => {
  it('is struct sock_filter, little endian', () => {
    const program: BpfProgram = [
      { code: 0x15, jumpTrue: 1, jumpFalse: 2, k: 0xc000003e },
      { code: BPF_RETURN, jumpTrue: 0, jumpFalse: 0, k: SECCOMP_RET_ALLOW },
    ]
    expect(Buffer.from(encodeBpf(program), 'base64').toString('hex')).toBe('150001023e0000c0060000000000ff7f')
    expect(decodeBpf(encodeBpf(program))).toEqual(program)
  })

  it('refuses half an instruction', () => {
    expect(() => decodeBpf('AAAA')).toThrow(LibraryError)
  })
})

it('prints jumps with absolute targets', () => {
  const program = compileBpf(
    [{ call: 'ptrace', when: [], action: { kind: 'errno', errno: 1 }, reason: 'test' }],
    'arm64',
  )
  expect(dumpBpf(program)).toBe(`8 instructions
0000  load architecture
0001  if == 0xc00000b7 go to 0002 else 0007
0002  load number
0003  if >= 117 go to 0004 else 0006
0004  if >= 118 go to 0006 else 0005
0005  return errno 1
0006  return allow
0007  return kill process
`)
})

describe('the machine', () => {
  const allow = { code: BPF_RETURN, jumpTrue: 0, jumpFalse: 0, k: SECCOMP_RET_ALLOW }
  const step = (code: number, k: number, jumpTrue = 0, jumpFalse = 0) => ({ code, k, jumpTrue, jumpFalse })
  const malformed: readonly (readonly [string, BpfProgram])[] = [
    ['no instruction', []],
    ['too many instructions', Array.from({ length: 4097 }, () => allow)],
    ['no return at the end', [allow, step(0x20, 0)]],
    ['a jump behind the end', [step(BPF_JUMP, 1), allow]],
    ['a conditional jump behind the end, when true', [step(0x15, 0, 1, 0), allow]],
    ['a conditional jump behind the end, when false', [step(0x15, 0, 0, 1), allow]],
    ['an unknown opcode', [step(0x00, 0), allow]],
    ['a load between words', [step(0x20, 2), allow]],
    ['a load behind the data', [step(0x20, 64), allow]],
    ['an unknown return value', [step(BPF_RETURN, 0x00030000)]],
    ['a field that does not fit', [step(0x15, 0, 256, 0), allow]],
  ]

  it.each(malformed)('refuses a program with %s', (_, program) => {
    expect(() => checkBpf(program)).toThrow(/malformed BPF program|unknown filter return value/)
    const data = { arch: 0, nr: 0, args: [0n, 0n, 0n, 0n, 0n, 0n] } as const
    expect(() => runBpf(program, data)).toThrow(LibraryError)
  })

  it('runs the shortest program there is', () => {
    expect(runBpf([allow], { arch: 0, nr: 0, args: [0n, 0n, 0n, 0n, 0n, 0n] })).toEqual({
      action: 'allow',
      data: 0,
      steps: 1,
    })
  })
})
