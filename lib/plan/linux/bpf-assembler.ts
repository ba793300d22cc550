/**
 * Lays out BPF instructions and computes every jump. A program is built from its end: whatever an instruction leads to exists
 * before it, so an offset is a subtraction and loops cannot be written. Equal instructions with equal continuations are made
 * once. Conditional jumps reach 255 instructions; beyond that a plain jump (which has 32 bits) is put in between.
 */
import { InternalError } from '../../errors.ts'
import {
  BPF_AND,
  BPF_JUMP,
  type BPF_JUMP_ANY_BIT,
  type BPF_JUMP_EQUAL,
  type BPF_JUMP_GREATER_OR_EQUAL,
  BPF_LOAD_WORD,
  BPF_RETURN,
  type BpfInstruction,
  type BpfProgram,
  MAXIMUM_PROGRAM_LENGTH,
} from './bpf.ts'

/** A place in the program, counted from its end, where execution can go on. */
export type Label = number & { readonly label: unique symbol }

export type JumpCondition = typeof BPF_JUMP_EQUAL | typeof BPF_JUMP_GREATER_OR_EQUAL | typeof BPF_JUMP_ANY_BIT

// Two plain jumps may be inserted while one conditional jump is placed; both targets must stay in reach meanwhile.
const REACH = 255 - 2

export class Assembler {
  /** Last instruction first. */
  readonly #reversed: BpfInstruction[] = []
  readonly #known = new Map<string, Label>()

  /** Ends the program with this value. */
  return(value: number): Label {
    return this.#once(`return ${value}`, () => this.#push(BPF_RETURN, value))
  }

  /** Loads a word of seccomp_data, then goes on at `next`. */
  load(offset: number, next: Label): Label {
    return this.#once(`load ${offset} ${next}`, () => this.#before(next, BPF_LOAD_WORD, offset))
  }

  /** Keeps the loaded bits that are in the mask, then goes on at `next`. */
  and(mask: number, next: Label): Label {
    return this.#once(`and ${mask} ${next}`, () => this.#before(next, BPF_AND, mask))
  }

  /** Goes on at `whenTrue` or `whenFalse`, by comparing what is loaded with `value`. */
  jump(condition: JumpCondition, value: number, whenTrue: Label, whenFalse: Label): Label {
    if (whenTrue === whenFalse) return whenTrue
    return this.#once(`${condition} ${value} ${whenTrue} ${whenFalse}`, () => {
      const jumpTrue = this.#inReach(whenTrue)
      const jumpFalse = this.#inReach(whenFalse)
      return this.#push(condition, value, this.#distance(jumpTrue), this.#distance(jumpFalse))
    })
  }

  /** The program that starts at `entry`. Throws ERR_INTERNAL when it is longer than the kernel takes. */
  finish(entry: Label): BpfProgram {
    if (entry !== this.#last()) this.#push(BPF_JUMP, this.#distance(entry))
    const length = this.#reversed.length
    if (length > MAXIMUM_PROGRAM_LENGTH) {
      throw new InternalError(`a filter of ${length} instructions, the kernel takes ${MAXIMUM_PROGRAM_LENGTH}`)
    }
    return [...this.#reversed].reverse()
  }

  #once(key: string, make: () => Label): Label {
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const label = make()
    this.#known.set(key, label)
    return label
  }

  // An instruction that is no jump runs into the one laid out right behind it, so `next` must be there.
  #before(next: Label, code: number, k: number): Label {
    if (next !== this.#last()) this.#push(BPF_JUMP, this.#distance(next))
    return this.#push(code, k)
  }

  #inReach(target: Label): Label {
    return this.#distance(target) <= REACH ? target : this.#push(BPF_JUMP, this.#distance(target))
  }

  /** How many instructions the next one to be placed has to skip to reach `target`. */
  #distance(target: Label): number {
    return this.#reversed.length - target - 1
  }

  #last(): number {
    return this.#reversed.length - 1
  }

  #push(code: number, k: number, jumpTrue = 0, jumpFalse = 0): Label {
    this.#reversed.push({ code, jumpTrue, jumpFalse, k: k >>> 0 })
    return this.#last() as Label
  }
}
