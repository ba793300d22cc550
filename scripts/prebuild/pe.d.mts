export interface Pe {
  readonly architecture: string
  readonly isLibrary: boolean
  readonly isConsoleProgram: boolean
  readonly oldestWindows: string
  readonly isHardened: boolean
  readonly writableCode: readonly string[]
  readonly hasDebugInformation: boolean
  readonly imports: Readonly<Record<string, readonly string[]>>
  readonly delayImports: Readonly<Record<string, readonly string[]>>
  readonly exported: readonly string[]
}

export function isPe(bytes: Buffer): boolean
export function readPe(bytes: Buffer): Pe
