import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AuthManager, codexProvider, memoryStorage } from '../../lib/auth/index.ts'
import { managedText, type RotatingServer, startRotatingServer } from './support.ts'

describe('requests to the authorization server', () => {
  let server: RotatingServer
  let tunnels: string[]
  const proxy = createServer()

  beforeEach(async () => {
    tunnels = []
    server = await startRotatingServer()
    proxy.removeAllListeners('connect').on('connect', (request, socket) => {
      tunnels.push(request.url ?? '')
      const [host = '', port = ''] = (request.url ?? '').split(':')
      const target = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        target.pipe(socket).pipe(target)
      })
      for (const end of [target, socket]) end.on('error', () => target.destroy())
    })
    await new Promise<void>(done => proxy.listen(0, '127.0.0.1', done))
  })
  afterEach(async () => {
    await server.stop()
    proxy.closeAllConnections()
    await new Promise(done => proxy.close(done))
  })

  const refresh = async (environment: Record<string, string>) => {
    const provider = codexProvider({ issuer: server.issuer })
    const manager = await AuthManager.open({ storage: memoryStorage(managedText()), env: environment, provider })
    return manager.refreshToken().then(
      ({ outcome }) => outcome,
      ({ reason }) => reason,
    )
  }
  const address = () => `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`

  it.each([
    ['go through the proxy that the environment names', () => ({ HTTP_PROXY: address() }), 1],
    ['do not for hosts that need none', () => ({ HTTP_PROXY: address(), NO_PROXY: '127.0.0.1' }), 0],
    ['do not under Seatbelt', () => ({ HTTP_PROXY: address(), CODEX_SANDBOX: 'seatbelt' }), 0],
    ['do not without one', () => ({}), 0],
  ])('%s', async (_title, environment, expected) => {
    expect(await refresh(environment())).toBe('refreshed')
    expect(tunnels).toHaveLength(expected)
  })

  it('fail when the named certificates cannot be read', async () => {
    expect(await refresh({ CODEX_CA_CERTIFICATE: '/definitely/not/there.pem' })).toBe('network')
    expect(server.counts.refreshes).toBe(0)
  })
})
