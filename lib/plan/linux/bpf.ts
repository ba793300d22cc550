/**
 * Classic BPF as seccomp(2) takes it: the instructions, their encoding (struct sock_filter: u16 code, u8 jt, u8 jf, u32 k,
 * little endian, 8 bytes) and their text. `bpf-compiler.ts` makes programs, `bpf-machine.ts` runs them. Only the opcodes that
 * our compiler emits exist here: a program with another one is refused, not guessed at.
 */
import { InternalError } from '../../errors.ts'

/** Opcodes (include/uapi/linux/bpf_common.h): class | size or operation | source. */
export const BPF_LOAD_WORD = 0x20 // BPF_LD | BPF_W | BPF_ABS
export const BPF_AND = 0x54 // BPF_ALU | BPF_AND | BPF_K
export const BPF_JUMP = 0x05 // BPF_JMP | BPF_JA
export const BPF_JUMP_EQUAL = 0x15 // BPF_JMP | BPF_JEQ | BPF_K
export const BPF_JUMP_GREATER_OR_EQUAL = 0x35 // BPF_JMP | BPF_JGE | BPF_K
export const BPF_JUMP_ANY_BIT = 0x45 // BPF_JMP | BPF_JSET | BPF_K
export const BPF_RETURN = 0x06 // BPF_RET | BPF_K

/** BPF_MAXINSNS: the kernel refuses longer programs. */
export const MAXIMUM_PROGRAM_LENGTH = 4096

/** Filter return values (seccomp(2)): the action above, 16 bits of data (an errno) below. */
export const SECCOMP_RET_KILL_PROCESS = 0x80000000
export const SECCOMP_RET_ERRNO = 0x00050000
export const SECCOMP_RET_ALLOW = 0x7fff0000

/** Offsets into struct seccomp_data: int nr; u32 arch; u64 instruction_pointer; u64 args[6]. */
export const SECCOMP_DATA_NUMBER = 0
export const SECCOMP_DATA_ARCHITECTURE = 4
export const SECCOMP_DATA_ARGUMENTS = 16
export const SECCOMP_DATA_SIZE = 64

export interface BpfInstruction {
  readonly code: number
  /** Instructions to skip when the condition holds; 0 for everything but conditional jumps. */
  readonly jumpTrue: number
  readonly jumpFalse: number
  readonly k: number
}

export type BpfProgram = readonly BpfInstruction[]

const INSTRUCTION_SIZE = 8

/** The program as `SeccompPlan.program` holds it: base64 over the array of struct sock_filter. */
export function encodeBpf(program: BpfProgram): string {
  const bytes = Buffer.alloc(program.length * INSTRUCTION_SIZE)
  program.forEach((instruction, index) => {
    const at = index * INSTRUCTION_SIZE
    bytes.writeUInt16LE(instruction.code, at)
    bytes.writeUInt8(instruction.jumpTrue, at + 2)
    bytes.writeUInt8(instruction.jumpFalse, at + 3)
    bytes.writeUInt32LE(instruction.k, at + 4)
  })
  return bytes.toString('base64')
}

/** The inverse of `encodeBpf`. Throws ERR_INTERNAL when the bytes are not whole instructions. */
export function decodeBpf(program: string): BpfProgram {
  const bytes = Buffer.from(program, 'base64')
  if (bytes.length % INSTRUCTION_SIZE !== 0) throw new InternalError(`a BPF program of ${bytes.length} bytes`)
  const decoded: BpfInstruction[] = []
  for (let at = 0; at < bytes.length; at += INSTRUCTION_SIZE) {
    decoded.push({
      code: bytes.readUInt16LE(at),
      jumpTrue: bytes.readUInt8(at + 2),
      jumpFalse: bytes.readUInt8(at + 3),
      k: bytes.readUInt32LE(at + 4),
    })
  }
  return decoded
}

/** One line per instruction, jump targets as absolute line numbers, with the number of instructions first. */
export function dumpBpf(program: BpfProgram): string {
  const lines = program.map((instruction, index) => `${lineNumber(index)}  ${dumpInstruction(instruction, index)}`)
  return [`${program.length} instructions`, ...lines, ''].join('\n')
}

function dumpInstruction(instruction: BpfInstruction, index: number): string {
  const { code, k } = instruction
  const targets = `${lineNumber(index + 1 + instruction.jumpTrue)} else ${lineNumber(index + 1 + instruction.jumpFalse)}`
  switch (code) {
    case BPF_LOAD_WORD:
      return `load ${dumpOffset(k)}`
    case BPF_AND:
      return `and ${hexadecimal(k)}`
    case BPF_JUMP:
      return `go to ${lineNumber(index + 1 + k)}`
    case BPF_JUMP_EQUAL:
      return `if == ${dumpNumber(k)} go to ${targets}`
    case BPF_JUMP_GREATER_OR_EQUAL:
      return `if >= ${dumpNumber(k)} go to ${targets}`
    case BPF_JUMP_ANY_BIT:
      return `if & ${hexadecimal(k)} go to ${targets}`
    case BPF_RETURN:
      return `return ${dumpReturn(k)}`
    default:
      throw new InternalError(`unknown BPF opcode ${hexadecimal(code)}`)
  }
}

function dumpOffset(offset: number): string {
  if (offset === SECCOMP_DATA_NUMBER) return 'number'
  if (offset === SECCOMP_DATA_ARCHITECTURE) return 'architecture'
  if (offset < SECCOMP_DATA_ARGUMENTS) return `instruction pointer at ${offset}`
  const argument = Math.floor((offset - SECCOMP_DATA_ARGUMENTS) / 8)
  return `argument ${argument} ${offset % 8 === 0 ? 'low' : 'high'}`
}

function dumpReturn(value: number): string {
  if (value === SECCOMP_RET_ALLOW) return 'allow'
  if (value === SECCOMP_RET_KILL_PROCESS) return 'kill process'
  if ((value & 0xffff0000) >>> 0 === SECCOMP_RET_ERRNO) return `errno ${value & 0xffff}`
  return hexadecimal(value)
}

// System call numbers and small values read best in decimal, masks and architectures do not.
function dumpNumber(value: number): string {
  return value < 0x10000 ? String(value) : hexadecimal(value)
}

function hexadecimal(value: number): string {
  return `0x${value.toString(16)}`
}

function lineNumber(index: number): string {
  return String(index).padStart(4, '0')
}
