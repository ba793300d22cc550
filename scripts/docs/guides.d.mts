export const guides: readonly string[]
