import type { BuildTarget } from './targets.mjs'

export function findings(target: BuildTarget, bytes: Buffer, options?: { readonly helper?: boolean }): string[]
export function newerThanFloor(version: string): boolean
