import { findBubblewrap, unsoughtBubblewrap } from '../host/bubblewrap.ts'
import type { BubblewrapCapability } from '../host/capabilities.ts'
import { probeCapabilities } from '../host/probe.ts'
import type { ResolvedPolicy } from '../policy/types.ts'
import type { SandboxOptions } from './options.ts'

/** Finding bubblewrap costs processes, so it is looked for only when it may come to be used. */
export function seekBubblewrap(resolve: () => ResolvedPolicy, options: SandboxOptions): Promise<BubblewrapCapability> {
  const use = options.linux?.bubblewrap ?? 'fallback'
  const engines = options.linux?.engines ?? ['namespace', 'bwrap']
  const capabilities = probeCapabilities(unsoughtBubblewrap)
  const wanted =
    capabilities.platform === 'linux' &&
    use !== 'never' &&
    engines.includes('bwrap') &&
    (use !== 'fallback' ||
      engines[0] === 'bwrap' ||
      !engines.includes('namespace') ||
      !capabilities.userNamespaces.available)
  if (!wanted) return Promise.resolve(unsoughtBubblewrap)
  const resolved = resolve()
  return findBubblewrap(process.env['PATH'], [resolved.cwd, ...resolved.writableRoots.map(({ root }) => root)])
}
