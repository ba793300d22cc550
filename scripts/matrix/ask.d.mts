export interface StepResult {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
  readonly error?: Error
}
export interface Step {
  readonly name: string
  readonly args: readonly string[]
  readonly holds: (result: StepResult) => boolean
}
export const everything: readonly Step[]
export function askProgram(
  row: { readonly args: readonly string[]; readonly all?: boolean },
  start: (args: readonly string[]) => StepResult,
): { readonly did: string; readonly trouble?: string }
