import { describe, expect, it } from 'vitest'

import { findProxyPorts, loopbackPort } from '../../../lib/plan/macos/proxy-ports.ts'

describe('the port of a proxy on this machine', () => {
  it.each([
    ['http://127.0.0.1:3128', 3128],
    ['http://[::1]:8118/', 8118],
    ['[::1]:8118', 8118],
    ['localhost', 80],
    ['LOCALHOST:99', 99],
    ['https://localhost', 443],
    ['socks5h://127.0.0.1', 1080],
    ['http://user:pass@localhost:1', 1],
    ['http://localhost:0', null],
    ['http://localhost:70000', null],
    ['http://localhost.example.org:80', null],
    ['http://127.0.0.1.example.org', null],
    ['http://localhost:80@example.org/', null],
    ['http://10.0.0.1:80', null],
    ['http://[::ffff:127.0.0.1]:80', null],
    ['', null],
  ])('%s is %s', (address, port) => {
    expect(loopbackPort(address)).toBe(port)
  })

  it('is found in both letter cases, sorted and once', () => {
    const env = { HTTPS_PROXY: 'http://localhost:9', http_proxy: '127.0.0.1:8', ALL_PROXY: '[::1]:9', NO_PROXY: '*' }
    expect(findProxyPorts(env)).toEqual({ configured: true, ports: [8, 9] })
    expect(findProxyPorts({ HTTP_PROXY: 'http://proxy.example.org:80' })).toEqual({ configured: true, ports: [] })
    expect(findProxyPorts({ HTTP_PROXY: ' ', PATH: '/bin' })).toEqual({ configured: false, ports: [] })
  })
})
