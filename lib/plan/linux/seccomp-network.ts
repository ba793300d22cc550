/**
 * Seccomp rules about sockets (spec linux 7.1). With the network restricted, a command may talk to its own processes over
 * connected UNIX pairs (stdio of Node, wake-ups of Python's asyncio, descriptor passing) and to nobody else.
 *
 * What keeps `sendmsg` and `recvmsg` harmless although their addresses lie behind a pointer: no socket can be made that takes
 * an address. Stream and seqpacket sockets need `connect`, datagram sockets cannot be created. What remains:
 * - a datagram socket that the host itself passes in (as stdio, or over a UNIX socket it passed in) can be given an address by
 *   `sendmsg`. Landlock closes that for abstract sockets (ABI 6), path sockets (ABI 9) and UDP (ABI 10);
 * - a connected socket that the host passes in stays connected, and descriptors may arrive over it. That is what the host gave.
 */

import type { SeccompRule } from './seccomp.ts'
import { deny, denyAll, differs, equals, hasAnyOf, isSet, maskedDiffers } from './seccomp-builders.ts'

const AF_UNIX = 1
const AF_INET = 2
const AF_INET6 = 10
const AF_NETLINK = 16
const NETLINK_AUDIT = 9
const SOCK_STREAM = 1
const SOCK_SEQPACKET = 5
/** SOCK_TYPE_MASK: above it are SOCK_CLOEXEC and SOCK_NONBLOCK. */
const SOCK_TYPE_MASK = 0xf
const MSG_FASTOPEN = 0x20000000

export function restrictedNetworkRules(): SeccompRule[] {
  return [
    ...socketRules('socket'),
    ...socketRules('socketpair'),
    ...denyAll(['connect', 'accept', 'accept4', 'bind', 'listen'], 'the network is restricted'),
    deny('sendto', 'the network is restricted: no datagram to an address', isSet(4)),
    deny('sendmsg', 'the network is restricted: no connection with the first segment', hasAnyOf(2, MSG_FASTOPEN)),
    ...denyAll(['sendmmsg', 'recvmmsg'], 'the network is restricted: batched messages carry addresses'),
  ]
}

/** The kernel turns SOCK_RAW on AF_UNIX into a datagram socket, so the two good types are named, not the bad one. */
function socketRules(call: 'socket' | 'socketpair'): SeccompRule[] {
  return [
    deny(call, 'the network is restricted: only UNIX sockets', differs(0, AF_UNIX)),
    deny(
      call,
      'the network is restricted: a datagram socket reaches the sockets of the host without connecting',
      maskedDiffers(1, SOCK_TYPE_MASK, SOCK_STREAM),
      maskedDiffers(1, SOCK_TYPE_MASK, SOCK_SEQPACKET),
    ),
  ]
}

/**
 * For a network namespace with nothing but a loopback: Internet sockets reach only what listens there. UNIX sockets are
 * closed, since those with a path are the host's; connected pairs stay, with which Node starts children (spec/linux 7).
 */
export function proxiedNetworkRules(): SeccompRule[] {
  return [
    deny('socket', 'the network is restricted to proxies', differs(0, AF_INET), differs(0, AF_INET6)),
    ...socketRules('socketpair'),
  ]
}

/** Raw and packet sockets need capabilities that no command has; the audit socket hands out the kernel's audit records. */
export function enabledNetworkRules(): SeccompRule[] {
  return [deny('socket', 'the audit system belongs to the host', equals(0, AF_NETLINK), equals(2, NETLINK_AUDIT))]
}
