/**
 * The versions of the upstream model. Where their answers differ, the function that answers takes the model as an argument and
 * says in its comment what differs.
 */
export type Model = '2026-03' | '2026-06'

/**
 * Whose answers a question gets that names no model. The library enforces this one: its canonical roots leave no hole where a
 * root and a carve-out are spelled differently, which the later, link-preserving form does.
 */
export const MAIN_MODEL: Model = '2026-03'
