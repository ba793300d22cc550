export function examplesOf(library: object): readonly (readonly [name: string, ask: () => unknown, expected: unknown])[]
