export function extendMarkdown(parser: object): void
