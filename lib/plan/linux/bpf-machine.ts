/**
 * Runs a BPF filter on one system call, as the kernel would (kernel/seccomp.c, net/core/filter.c), for tests and for
 * `explain`. Refuses what the kernel's checker refuses: it must never give an answer for a program that could not be installed.
 */
import { InternalError } from '../../errors.ts'
import {
  BPF_AND,
  BPF_JUMP,
  BPF_JUMP_ANY_BIT,
  BPF_JUMP_EQUAL,
  BPF_JUMP_GREATER_OR_EQUAL,
  BPF_LOAD_WORD,
  BPF_RETURN,
  type BpfInstruction,
  type BpfProgram,
  MAXIMUM_PROGRAM_LENGTH,
  SECCOMP_DATA_ARCHITECTURE,
  SECCOMP_DATA_ARGUMENTS,
  SECCOMP_DATA_NUMBER,
  SECCOMP_DATA_SIZE,
  SECCOMP_RET_ALLOW,
  SECCOMP_RET_ERRNO,
  SECCOMP_RET_KILL_PROCESS,
} from './bpf.ts'

/** What the kernel shows a filter (struct seccomp_data), without the instruction pointer. */
export interface SeccompData {
  readonly arch: number
  readonly nr: number
  readonly args: readonly [bigint, bigint, bigint, bigint, bigint, bigint]
}

export interface SeccompVerdict {
  readonly action: 'allow' | 'errno' | 'kill-process'
  /** The errno for `errno`, otherwise 0. */
  readonly data: number
  /** Instructions executed, for comparing layouts. */
  readonly steps: number
}

/** Throws ERR_INTERNAL for a malformed program. */
export function runBpf(program: BpfProgram, data: SeccompData): SeccompVerdict {
  checkBpf(program)
  const memory = seccompData(data)
  let accumulator = 0
  let steps = 0
  for (let index = 0; ; index++) {
    const instruction = at(program, index)
    steps++
    if (instruction.code === BPF_RETURN) return verdict(instruction.k, steps)
    if (instruction.code === BPF_LOAD_WORD) accumulator = memory.getUint32(instruction.k, true)
    else if (instruction.code === BPF_AND) accumulator = (accumulator & instruction.k) >>> 0
    else if (instruction.code === BPF_JUMP) index += instruction.k
    else index += holds(instruction, accumulator) ? instruction.jumpTrue : instruction.jumpFalse
  }
}

/** The kernel's static checks. Jumps only go forward, so a checked program ends. */
export function checkBpf(program: BpfProgram): void {
  if (program.length === 0 || program.length > MAXIMUM_PROGRAM_LENGTH) refuse(`${program.length} instructions`, 0)
  program.forEach((instruction, index) => {
    checkFields(instruction, index)
    const furthest = index + 1 + furthestJump(instruction)
    if (furthest >= program.length && instruction.code !== BPF_RETURN) refuse('jump out of range', index)
  })
  if (at(program, program.length - 1).code !== BPF_RETURN) refuse('no return at the end', program.length - 1)
}

function checkFields(instruction: BpfInstruction, index: number): void {
  const { code, k, jumpTrue, jumpFalse } = instruction
  if (!inRange(k, 0xffffffff) || !inRange(jumpTrue, 255) || !inRange(jumpFalse, 255))
    refuse('field out of range', index)
  switch (code) {
    case BPF_LOAD_WORD:
      if (k % 4 !== 0 || k >= SECCOMP_DATA_SIZE) refuse(`load of offset ${k}`, index)
      return
    case BPF_RETURN:
      verdict(k, 0)
      return
    case BPF_AND:
    case BPF_JUMP:
    case BPF_JUMP_EQUAL:
    case BPF_JUMP_GREATER_OR_EQUAL:
    case BPF_JUMP_ANY_BIT:
      return
    default:
      refuse(`unknown opcode 0x${code.toString(16)}`, index)
  }
}

function furthestJump(instruction: BpfInstruction): number {
  if (instruction.code === BPF_JUMP) return instruction.k
  return isConditional(instruction) ? Math.max(instruction.jumpTrue, instruction.jumpFalse) : 0
}

function isConditional({ code }: BpfInstruction): boolean {
  return code === BPF_JUMP_EQUAL || code === BPF_JUMP_GREATER_OR_EQUAL || code === BPF_JUMP_ANY_BIT
}

function holds({ code, k }: BpfInstruction, accumulator: number): boolean {
  if (code === BPF_JUMP_EQUAL) return accumulator === k
  if (code === BPF_JUMP_GREATER_OR_EQUAL) return accumulator >= k
  return (accumulator & k) !== 0
}

function seccompData(data: SeccompData): DataView {
  const memory = new DataView(new ArrayBuffer(SECCOMP_DATA_SIZE))
  memory.setUint32(SECCOMP_DATA_NUMBER, data.nr, true)
  memory.setUint32(SECCOMP_DATA_ARCHITECTURE, data.arch, true)
  data.args.forEach((argument, index) => {
    memory.setBigUint64(SECCOMP_DATA_ARGUMENTS + index * 8, argument, true)
  })
  return memory
}

function verdict(value: number, steps: number): SeccompVerdict {
  if (value === SECCOMP_RET_ALLOW) return { action: 'allow', data: 0, steps }
  if (value === SECCOMP_RET_KILL_PROCESS) return { action: 'kill-process', data: 0, steps }
  if ((value & 0xffff0000) >>> 0 === SECCOMP_RET_ERRNO) return { action: 'errno', data: value & 0xffff, steps }
  throw new InternalError(`unknown filter return value 0x${value.toString(16)}`)
}

function inRange(value: number, maximum: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= maximum
}

function at(program: BpfProgram, index: number): BpfInstruction {
  return program[index] ?? refuse('ran past the end', index)
}

function refuse(what: string, index: number): never {
  throw new InternalError(`malformed BPF program: ${what} at ${index}`)
}
