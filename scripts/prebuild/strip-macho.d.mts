export function stripVersion(): string
export function stripLocals(file: string, read: (file: string) => Buffer): void
export function changesBeyondLocals(before: Buffer, after: Buffer): string[]
