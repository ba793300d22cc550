/**
 * The folder that holds package.json. This module lies two folders below it as a source in lib/native, compiled in
 * dist/native, and joined with others in dist/bundle.
 */
import { fileURLToPath } from 'node:url'

export const packageRoot = fileURLToPath(new URL('../../', import.meta.url))
