/** Which variables name a proxy that a command may reach, and what it sees instead (spec/linux 8). */
import { describe, expect, it } from 'vitest'

import { proxyRoutes } from '../../lib/linux-sandbox/proxy-routes.ts'

function routed(env: Record<string, string>) {
  const routes = proxyRoutes(env)
  if (typeof routes === 'string') throw new Error(routes)
  return { endpoints: [...routes.endpoints], environment: routes.environment }
}

describe('one variable', () => {
  it.each<[string, string, string, number]>([
    ['http://127.0.0.1:3128', 'http://127.0.0.1:20080', '127.0.0.1', 3128],
    ['http://127.0.0.1:3128/', 'http://127.0.0.1:20080/', '127.0.0.1', 3128],
    ['http://localhost:3128', 'http://127.0.0.1:20080', '127.0.0.1', 3128],
    ['HTTP://LOCALHOST:3128', 'http://127.0.0.1:20080', '127.0.0.1', 3128],
    ['http://[::1]:3128', 'http://127.0.0.1:20080', '::1', 3128],
    ['localhost:3128', '127.0.0.1:20080', '127.0.0.1', 3128],
    ['127.0.0.1:3128', '127.0.0.1:20080', '127.0.0.1', 3128],
    ['localhost', '127.0.0.1:20080', '127.0.0.1', 80],
    ['http://localhost', 'http://127.0.0.1:20080', '127.0.0.1', 80],
    ['http://localhost:80', 'http://127.0.0.1:20080', '127.0.0.1', 80],
    ['https://localhost', 'https://127.0.0.1:20080', '127.0.0.1', 443],
    ['socks5://localhost', 'socks5://127.0.0.1:20080', '127.0.0.1', 1080],
    ['socks5h://LocalHost:9', 'socks5h://127.0.0.1:20080', '127.0.0.1', 9],
    ['socks4a://127.0.0.1', 'socks4a://127.0.0.1:20080', '127.0.0.1', 1080],
    ['http://me:secret@localhost:3128', 'http://me:secret@127.0.0.1:20080', '127.0.0.1', 3128],
    ['http://localhost:3128/path?x=1', 'http://127.0.0.1:20080/path?x=1', '127.0.0.1', 3128],
    ['  http://localhost:3128 ', 'http://127.0.0.1:20080', '127.0.0.1', 3128],
    ['http://localhost:20080', 'http://127.0.0.1:20081', '127.0.0.1', 20080],
  ])('%s', (value, inside, host, port) => {
    const { endpoints, environment } = routed({ HTTP_PROXY: value })
    expect(environment).toEqual({ HTTP_PROXY: inside })
    expect(endpoints.map(([, endpoint]) => endpoint)).toEqual([{ host, port }])
  })

  it.each([
    'http://proxy.example:3128',
    'http://127.0.0.2:3128',
    'http://0.0.0.0:3128',
    'http://[::]:3128',
    'http://localhost.example:80',
    'http://localhost:0',
    'http://localhost:99999',
    'http://',
    'not a url',
    '/run/proxy.sock',
  ])('%s leads nowhere', value => {
    expect(proxyRoutes({ HTTP_PROXY: value })).toBe('unusable')
  })
})

describe('all variables', () => {
  it('have one way per proxy', () => {
    const { endpoints, environment } = routed({
      HTTP_PROXY: 'http://localhost:3128',
      https_proxy: 'http://127.0.0.1:3128',
      all_proxy: 'socks5h://localhost:1080',
      Npm_Config_Proxy: 'http://[::1]:3128',
    })
    expect(environment).toEqual({
      HTTP_PROXY: 'http://127.0.0.1:20080',
      https_proxy: 'http://127.0.0.1:20080',
      all_proxy: 'socks5h://127.0.0.1:20081',
      Npm_Config_Proxy: 'http://127.0.0.1:20082',
    })
    expect(endpoints).toEqual([
      [20_080, { host: '127.0.0.1', port: 3128 }],
      [20_081, { host: '127.0.0.1', port: 1080 }],
      [20_082, { host: '::1', port: 3128 }],
    ])
  })

  it('leave alone what is no proxy, and what leads elsewhere', () => {
    const env = {
      PATH: '/bin',
      WS_PROXY: 'http://localhost:1',
      HTTP_PROXY: 'http://localhost:1',
      FTP_PROXY: 'http://far:2',
    }
    expect(routed(env).environment).toEqual({ HTTP_PROXY: 'http://127.0.0.1:20080' })
  })

  it.each([
    [{}, 'none'],
    [{ HTTP_PROXY: '', https_proxy: '  ', NO_PROXY: 'localhost' }, 'none'],
    [{ HTTP_PROXY: 'http://far:1' }, 'unusable'],
  ])('%j: %s', (env, obstacle) => {
    expect(proxyRoutes(env)).toBe(obstacle)
  })
})
