/** Command lines, blocks, frames, and rules of the firewall. */
import { bytes, codeOf, text } from './shared.mjs'

const decoded = (library, ...chunks) => {
  const decoder = new library.FrameDecoder()
  return [chunks.flatMap(chunk => decoder.push(chunk)), decoder.unfinished]
}

export function lineExamples(add, library) {
  add('a program is no batch file', () => ['a.BAT', 'b.cmd', 'c.cmd. ', 'd.bat.exe', 'cmd'].map(library.isBatchFile), [
    true,
    true,
    true,
    false,
    false,
  ])
  for (const [name, act] of [
    ['file', () => library.commandLine('a.bat', [])],
    ['file', () => library.commandLine('', [])],
    ['file', () => library.commandLine('a"b', [])],
    ['args', () => library.commandLine('a', ['\0'])],
    ['args', () => library.commandLine('a', ['x'.repeat(32_765)])],
  ])
    add(`no line: ${act}`, () => codeOf(act), name)
  add('the longest line', () => library.commandLine('a', ['x'.repeat(32_764)]).length, 32_766)
  for (const [line, list] of [
    ['a b\tc', ['a', 'b', 'c']],
    ['"a b"c', ['a b', 'c']],
    ['"a b', ['a b']],
    ['a "b""c" d', ['a', 'b"c d']],
    ['a ""', ['a', '']],
    ['a b"c d"e', ['a', 'bc de']],
    ['a "b\\\\" c', ['a', 'b\\', 'c']],
    ['a\\"b c', ['a\\"b', 'c']],
    ['a  ', ['a']],
  ])
    add(`the line ${line}`, () => library.splitCommandLine(line), list)
  for (const given of [{ '': '1' }, { '=': '1' }, { 'a=b': '1' }, { 'a\0': '1' }, { a: '\0' }]) {
    add(`no block: ${JSON.stringify(given)}`, () => codeOf(() => library.environmentBlock(given)), 'env')
  }
  add('a variable that is undefined is not there', () => library.environmentBlock({ a: undefined, b: '' }), 'b=\0\0')

  add(
    'of two spellings of a variable the first one stays, and one that is undefined is none',
    () => {
      const command = { Path: 'a', PATH: 'b', TERM: undefined, PAGER: 'p', GIT_PAGER: 'g', LESS: 'l', PATHEXT: 'x' }
      const question = { backend: 'unelevated', closesNetwork: false, managedProxy: false, stubs: null, gitRoot: null }
      return library.windowsEnvironment({ ...question, command, host: { PATH: 'c' } })
    },
    { Path: 'a', PAGER: 'p', GIT_PAGER: 'g', LESS: 'l', PATHEXT: 'x' },
  )

  add('frames that are too long', () => decoded(library, bytes(1, 0, 128, 0, 0)), [[{ flaw: 'too-long' }], false])
  add('the longest frame is waited for', () => decoded(library, bytes(0, 0, 128, 0)), [[], true])
  add(
    'a frame that cannot be sent',
    () => codeOf(() => library.encodeFrame({ a: 'x'.repeat(8 << 20) })),
    'ERR_INTERNAL',
  )
  add('a frame of nothing', () => codeOf(() => library.encodeFrame({ toJSON: () => undefined })), 'ERR_INTERNAL')
  add(
    'frames that are no JSON, or not UTF-8',
    () => [text('{'), bytes(34, 255, 34)].map(body => decoded(library, bytes(body.length, 0, 0, 0, ...body))[0]),
    [[{ flaw: 'not-json' }], [{ flaw: 'not-json' }]],
  )
  add(
    'frames that are no message',
    () => ['[]', 'null', '1'].map(body => decoded(library, bytes(body.length, 0, 0, 0, ...text(body)))[0][0].flaw),
    Array(3).fill('not-a-message'),
  )
  add(
    'nothing is read after a flaw',
    () => decoded(library, bytes(1, 0, 0, 0, 49, 2, 0, 0, 0, 123, 125), bytes(2, 0, 0, 0, 123, 125)),
    [[{ flaw: 'not-a-message' }], false],
  )

  add(
    'rules for the offline account',
    () =>
      library
        .firewallRules({ proxyPorts: [8080], localBinding: false })
        .map(({ name, protocol, remotePorts }) => [name, protocol, remotePorts]),
    [
      ['castellan_offline_block_loopback_udp', 17, null],
      ['castellan_offline_block_loopback_tcp', 6, '1-8079,8081-65535'],
      ['castellan_offline_block', 256, null],
    ],
  )
  add(
    'no rule is about this machine when local servers are open',
    () => library.firewallRules({ proxyPorts: [], localBinding: true }).map(({ name }) => name),
    ['castellan_offline_block'],
  )
  add('the account of a rule', () => library.firewallAccount('S-1-2'), 'O:LSD:(A;;CC;;;S-1-2)')

  for (const [list, expected] of [
    ['127.0.0.0/8,::1', '32:7f000000-7fffffff,128:1-1'],
    ['::1/128, 127.0.0.0/255.0.0.0', '32:7f000000-7fffffff,128:1-1'],
    ['127.0.0.1-127.255.255.255,127.0.0.0', '32:7f000000-7fffffff'],
    ['127.1.2.3/8', '32:7f000000-7fffffff'],
    ['1.0.0.0/9,1.0.0.9', '32:1000000-17fffff'],
    ['0.0.0.0/0', '32:0-ffffffff'],
    ['10.0.0.1/32', '32:a000001-a000001'],
    ['10.0.0.1/0.0.0.0', '32:0-ffffffff'],
    ['1:2:3:4:5:6:7:8', `128:${'10002000300040005000600070008'}-${'10002000300040005000600070008'}`],
    ['fe80::/10', `128:fe80${'0'.repeat(28)}-febf${'f'.repeat(28)}`],
    ['::', '128:0-0'],
    ['2.0.0.0-1.0.0.0', null],
    ['::1-1.0.0.0', null],
    ['1.0.0.0-::1', null],
    ['1.0.0.0/33', null],
    ['::/129', null],
    ['::/255.0.0.0', null],
    ['1.0.0.0/255.0.255.0', null],
    ['1.0.0.0/8-9', null],
    ['1.0.0', null],
    ['1.0.0.256', null],
    ['01.0.0.0', null],
    ['1::2::3', null],
    ['1:2:3:4:5:6:7', null],
    ['1:2:3:4:5:6:7::8', null],
    ['1:2:3:4:5:6:7:8:9', null],
    ['::12345', null],
    ['LocalSubnet', null],
    ['*', null],
    ['', null],
  ])
    add(`the addresses ${list}`, () => library.canonicalAddresses(list), expected)
  const wanted = { name: 'n', protocol: 6, remoteAddresses: '127.0.0.0/8', remotePorts: '1-2', localUsers: 'u' }
  const found = { ...wanted, remoteAddresses: '127.0.0.0/255.0.0.0', isWhole: true }
  for (const [name, given, expected] of [
    ['as it was set', found, true],
    ['that is not there', null, false],
    ...[
      { isWhole: false },
      { name: 'm' },
      { protocol: 17 },
      { localUsers: 'v' },
      { remotePorts: null },
      { remoteAddresses: '127.0.0.0/9' },
      { remoteAddresses: '*' },
    ].map(change => [`with ${JSON.stringify(change)}`, { ...found, ...change }, false]),
  ])
    add(`a rule ${name} is in force`, () => library.isRuleInForce(wanted, given), expected)
  add(
    'a rule for addresses that cannot be read is never in force',
    () => library.isRuleInForce({ ...wanted, remoteAddresses: '*' }, { ...found, remoteAddresses: '*' }),
    false,
  )
  add(
    'every list of addresses that is set can be read',
    () =>
      library
        .firewallRules({ proxyPorts: [], localBinding: false })
        .every(rule => library.canonicalAddresses(rule.remoteAddresses) !== null),
    true,
  )
}
