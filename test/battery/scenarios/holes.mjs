// Scenarios about holes that other sandboxes of this kind were found to have, one group per hole. Written with the
// builders of ../lib/dsl.mjs; `run.mjs --dump-manifest` prints them as the plain data they are. What acts on the machine's
// mounts is `unsafeUnsandboxed`: as root and without a sandbox it would change them.
import { absent, attack, content, dir, exit, file, git, hardening, link, noContact, noSecret, noSurvivors, out, outNot, denied, probe, sh, split, unchanged, victimIntact, work, ws, wsTmp } from '../lib/dsl.mjs';

const secretFile = (path) => file(path, 'k={{SECRET}}\n');
const inside = (entries) => split({ ':root': 'read', '{{W}}': 'write', ...entries });
const group = (category, scenarios) => scenarios.map((s) => ({ ...s, category }));
const unixScenario = (id, title, argv, name) => attack(id, { title, policy: ws(), argv, host: [name], observe: [noContact(name)] });
/** A step's inherited descriptors begin somewhere above 2 in the command, if they arrive at all. */
const everyDescriptor = (op, ...rest) => sh(`for n in $(seq 3 60); do {{PROBE}} ${op} $n ${rest.join(' ')} 2>/dev/null; done; true`);

const fs = group('fs', [
  attack('hole-exchange', { title: 'exchange a workspace file with an outside file', policy: ws(), tree: [file('{{OUT}}/f'), file('{{W}}/m', 'mine\n')], argv: probe('exchange', '{{W}}/m', '{{OUT}}/f'), observe: [unchanged('{{OUT}}')] }),
  attack('hole-tmpfile', { title: 'O_TMPFILE outside, linked outside', policy: ws(), tree: [file('{{OUT}}/f')], argv: probe('o-tmpfile', '{{OUT}}', '{{OUT}}/new'), observe: [unchanged('{{OUT}}')] }),
  attack('hole-tmpfile-link', { title: 'O_TMPFILE inside, linked outside', policy: ws(), tree: [file('{{OUT}}/f')], argv: probe('o-tmpfile', '{{W}}', '{{OUT}}/new'), observe: [unchanged('{{OUT}}')] }),
  attack('hole-reflink', { title: 'FICLONE into an outside file', policy: ws(), tree: [file('{{OUT}}/f'), file('{{W}}/m')], argv: probe('clone', '{{W}}/m', '{{OUT}}/f'), observe: [unchanged('{{OUT}}')] }),
  attack('hole-inode-flags', { title: 'inode flags of an outside file', policy: ws(), tree: [file('{{OUT}}/f')], argv: probe('setflags', '{{OUT}}/f'), observe: [denied('setflags')] }),
  attack('hole-reopen', { title: 'reopen an outside file for writing through /proc/self/fd', policy: ws(), tree: [file('{{OUT}}/f')], argv: probe('reopen-write', '{{OUT}}/f'), observe: [unchanged('{{OUT}}')] }),
  attack('hole-uring-write', { title: 'io_uring opens an outside file for writing', policy: ws(), tree: [file('{{OUT}}/f')], argv: probe('uring-write', '{{OUT}}/f'), observe: [unchanged('{{OUT}}')] }),
  attack('hole-open-handle', { title: 'open an outside file by its handle, for writing', policy: ws(), tree: [file('{{OUT}}/f')], handleOf: '{{OUT}}/f', argv: probe('open-handle', '{{W}}', '{{HANDLE}}', 'w'), observe: [unchanged('{{OUT}}')] }),
  // Holes 3 and 4: a root or what leads to it is replaced between two commands, or while one starts.
  attack('hole-root-swap', { title: 'hole 3: a writable root in another one is replaced by renaming its parent (split policy)', features: ['split'], policy: inside({ '{{W}}/a/b': 'write' }), tree: [dir('{{W}}/a/b'), file('{{OUT}}/f')],
    steps: [{ argv: sh('mv {{W}}/a {{W}}/x; mkdir -p {{W}}/a; ln -s {{OUT}} {{W}}/a/b; true') }, { argv: sh('echo x > {{W}}/a/b/planted; echo x >> {{W}}/a/b/f'), ranOptional: true }], refusalOk: true, observe: [unchanged('{{OUT}}')] }),
  attack('hole-root-swap-legacy', { title: 'hole 3: the same with writable_roots', policy: ws({ writable_roots: ['{{W}}/a/b'] }), tree: [dir('{{W}}/a/b'), file('{{OUT}}/f')],
    steps: [{ argv: sh('mv {{W}}/a {{W}}/x; mkdir -p {{W}}/a; ln -s {{OUT}} {{W}}/a/b; true') }, { argv: sh('echo x > {{W}}/a/b/planted; echo x >> {{W}}/a/b/f'), ranOptional: true }], refusalOk: true, observe: [unchanged('{{OUT}}')] }),
  attack('hole-root-link', { title: 'hole 3: a writable root that is a symlink in another writable root', features: ['split'], policy: inside({ '{{W}}/b': 'write' }), tree: [link('{{W}}/b', '{{OUT}}'), file('{{OUT}}/f')],
    steps: [{ argv: sh('echo x > {{W}}/b/planted; echo x >> {{OUT}}/f'), ranOptional: true }], refusalOk: true, observe: [unchanged('{{OUT}}')] }),
  attack('hole-root-rmdir', { title: 'hole 3: a writable root in another one is removed and replaced by a symlink', policy: ws({ writable_roots: ['{{W}}/b'] }), tree: [dir('{{W}}/b'), file('{{OUT}}/f')],
    steps: [{ argv: sh('rm -rf {{W}}/b; ln -s {{OUT}} {{W}}/b; mv {{W}}/b {{W}}/c; ln -sfn {{OUT}} {{W}}/b; true') }, { argv: sh('echo x > {{W}}/b/planted; echo x >> {{W}}/b/f'), ranOptional: true }], refusalOk: true, observe: [absent('{{OUT}}/planted'), content('{{OUT}}/f', 'original\n')] }),
  attack('race-root-swap', { title: 'hole 4: a writable root in another one flips with a symlink while commands start', features: ['split'], policy: inside({ '{{W}}/r': 'write' }), tree: [dir('{{W}}/r'), link('{{W}}/l', '{{OUT}}'), file('{{OUT}}/f')],
    steps: [{ argv: sh('echo x > {{W}}/r/planted; echo x > {{OUT}}/planted'), ranOptional: true }], race: { flip: ['{{W}}/r', '{{W}}/l'], rounds: 25, seconds: 12 }, refusalOk: true, observe: [absent('{{OUT}}/planted')] }),
  attack('race-deny-link', { title: 'hole 4: a denied directory flips with a symlink while commands start', features: ['split', 'deny'], policy: inside({ '{{W}}/d': 'none' }), tree: [secretFile('{{W}}/d/s'), dir('{{OUT}}/e'), link('{{W}}/l', '{{OUT}}/e')],
    steps: [{ argv: sh('cat {{W}}/d/s'), ranOptional: true }], race: { flip: ['{{W}}/d', '{{W}}/l'], rounds: 25, seconds: 12 }, refusalOk: true, observe: [{ ...noSecret, outputOnly: true }] }),
  // Hole 5: descriptors that the host has open.
  attack('hole-fd-list', { title: 'hole 5: no descriptor of the host arrives', policy: ws(), tree: [file('{{OUT}}/f')], steps: [{ argv: probe('fd-list'), inherit: [{ path: '{{OUT}}' }, { path: '{{OUT}}/f' }] }], observe: [outNot('@@fd ')] }),
  attack('hole-fd-directory', { title: 'hole 5: create and climb through an inherited directory', policy: ws(), tree: [file('{{OUT}}/f')], steps: [{ argv: sh('for n in $(seq 3 60); do {{PROBE}} fd-openat $n new; {{PROBE}} fd-fchdir-write $n ../planted; done; true'), inherit: [{ path: '{{OUT}}' }] }], observe: [unchanged('{{OUT}}'), absent('{{BASE}}/planted')] }),
  attack('hole-fd-reopen', { title: 'hole 5: reopen an inherited read-only descriptor for writing', policy: ws(), tree: [file('{{OUT}}/f')], steps: [{ argv: everyDescriptor('fd-reopen-write'), inherit: [{ path: '{{OUT}}/f' }] }], observe: [unchanged('{{OUT}}')] }),
  attack('hole-fd-write', { title: 'hole 5: write to an inherited writable descriptor', policy: ws(), tree: [file('{{OUT}}/f')], steps: [{ argv: everyDescriptor('fd-write', 'leak'), inherit: [{ path: '{{OUT}}/f', flags: 'a' }] }], observe: [unchanged('{{OUT}}')] }),
  attack('hole-fd-deny', { title: 'hole 5: read a denied file through an inherited directory', features: ['split', 'deny'], policy: inside({ '{{OUT}}/d': 'none' }), tree: [secretFile('{{OUT}}/d/s')], steps: [{ argv: everyDescriptor('fd-readat', 's'), inherit: [{ path: '{{OUT}}/d' }] }], observe: [noSecret] }),
  attack('hole-fd-socket', { title: 'hole 5: write to an inherited connected socket', policy: ws(), host: ['TCP4'], steps: [{ argv: everyDescriptor('fd-write', 'leak'), inherit: [{ socket: 'TCP4' }] }], observe: [outNot('@@res fd-write OK')] }),
  // Hole 6: stdio that is a file of the host.
  attack('hole-stdin-reopen', { title: 'hole 6: reopen stdin, a file outside, for writing', policy: ws(), tree: [file('{{OUT}}/in')], steps: [{ argv: probe('fd-reopen-write', '0'), stdin: { file: '{{OUT}}/in' } }], observe: [unchanged('{{OUT}}')] }),
  attack('hole-stdout-reopen', { title: 'hole 6: read a denied file that is stdout', features: ['split', 'deny'], policy: inside({ '{{OUT}}/d': 'none' }), tree: [secretFile('{{OUT}}/d/log')], steps: [{ argv: sh('cat /proc/self/fd/1 > {{W}}/copy; cat /dev/stdout >> {{W}}/copy; truncate -s 0 /dev/stdout'), tty: true, stdout: { file: '{{OUT}}/d/log' }, ranOptional: true }], ranOptional: true, observe: [noSecret, { content: '{{OUT}}/d/log', includes: 'k={{SECRET}}' }] }),
  // Hole 18 and device nodes.
  attack('hole-setuid', { title: 'hole 18: leave a set-uid file behind', policy: ws(), argv: probe('setuid-bit', '{{PROBE}}', '{{W}}/suid'), observe: [{ notSetuid: '{{W}}/suid' }] }),
  attack('hole-setuid-open', { title: 'hole 18: the same by the mode of open', policy: ws(), needs: ['python'], argv: ['{{PY}}', '-c', 'print("@@ran",flush=True)\nimport os\nos.umask(0)\nfor m in (0o4755,0o6755):\n  try: os.close(os.open("{{W}}/suid", os.O_CREAT|os.O_WRONLY, m))\n  except OSError as e: print(e)\n'], observe: [{ notSetuid: '{{W}}/suid' }] }),
  hardening(attack('hole-setuid-openat2', { title: 'hole 18: the same by openat2', policy: ws(), needs: ['python', 'x86'], argv: ['{{PY}}', '-c', 'print("@@ran",flush=True)\nimport ctypes,os\nos.umask(0)\nl=ctypes.CDLL(None,use_errno=True)\nhow=(ctypes.c_uint64*3)(os.O_CREAT|os.O_WRONLY,0o4755,0)\nprint(l.syscall(437,-100,b"{{W}}/suid",how,24))\n'], observe: [{ notSetuid: '{{W}}/suid' }] })),
  attack('hole-device-node', { title: 'make a device node and open it', policy: ws(), argv: sh('{{PROBE}} mknod-blk {{W}}/b 8 0; {{PROBE}} mknod-chr {{W}}/c 1 3'), observe: [denied('mknod-blk'), denied('mknod-chr')] }),
]);

const protect = group('protect', [
  attack('hole-gitfile-other-root', { title: 'hole 16: a .git pointer into another writable root', features: ['protect'], policy: ws({ writable_roots: ['{{OUT}}/r2'] }), tree: [file('{{OUT}}/r2/gd/config', 'c\n'), file('{{W}}/.git', 'gitdir: {{OUT}}/r2/gd\n')], argv: sh('echo x >> {{OUT}}/r2/gd/config'), observe: [unchanged('{{OUT}}/r2/gd')] }),
  // Hole 12: the parent of a protected or denied path is renamed; the next command finds the policy's path gone.
  attack('hole-parent-rename', { title: 'hole 12: rename the parent of a denied directory, read it with the next command', features: ['split', 'deny'], policy: inside({ '{{W}}/a/b/d': 'none' }), tree: [secretFile('{{W}}/a/b/d/s')],
    steps: [{ argv: sh('mv {{W}}/a {{W}}/x; mv {{W}}/a/b {{W}}/y; true') }, { argv: sh('cat {{W}}/x/b/d/s {{W}}/y/d/s {{W}}/a/b/d/s'), ranOptional: true }], refusalOk: true, observe: [noSecret] }),
  attack('hole-parent-rename-ro', { title: 'hole 12: the same with a read-only directory', features: ['split', 'readonly-child'], policy: inside({ '{{W}}/a/b': 'read' }), tree: [file('{{W}}/a/b/f')],
    steps: [{ argv: sh('mv {{W}}/a {{W}}/x; true') }, { argv: sh('echo x >> {{W}}/x/b/f; echo x >> {{W}}/a/b/f'), ranOptional: true }], refusalOk: true, observe: [unchanged('{{W}}/a/b')] }),
  attack('hole-parent-rename-git', { title: 'hole 12: rename the parent of a nested root with a repository', features: ['protect'], policy: ws({ writable_roots: ['{{W}}/sub/r'] }), tree: [git('{{W}}/sub/r')],
    steps: [{ argv: sh('mv {{W}}/sub {{W}}/x; true') }, { argv: sh('echo x >> {{W}}/x/r/.git/config; echo x >> {{W}}/sub/r/.git/config'), ranOptional: true }], refusalOk: true, observe: [unchanged('{{W}}/sub/r/.git')] }),
  // Hole 13.
  hardening(attack('hole-host-replaces', { title: 'hole 13: the host replaces a denied file while the command runs', features: ['split', 'deny'], policy: inside({ '{{W}}/s': 'none' }), tree: [file('{{W}}/s', 'old\n')],
    steps: [{ argv: sh('for i in 1 2 3 4 5 6 7 8 9 10 11 12; do cat {{W}}/s 2>/dev/null; sleep 0.1; done; true'), hostDuring: [{ afterMs: 500, sh: 'echo k={{SECRET}} > $BASE/new; mv $BASE/new {{W}}/s' }] }], observe: [{ ...noSecret, outputOnly: true }] })),
  // Hole 14: what runs leave behind, and what they take from each other.
  work('hole-no-debris', { title: 'hole 14: runs at the same time leave nothing in the workspace', policy: ws(), parallel: true, tree: [file('{{W}}/f')], steps: [0, 1, 2, 3].map((n) => ({ argv: sh('sleep 0.2'), startAfterMs: n * 40 })), observe: [unchanged('{{W}}')] }),
  attack('hole-no-debris-killed', { title: 'hole 14: a killed host leaves nothing in the workspace', policy: ws(), tree: [file('{{W}}/f')], steps: [{ argv: sh('sleep 20'), kill: { afterMs: 900, signal: 'SIGKILL' }, timeoutMs: 8000 }], observe: [{ ...noSurvivors, waitMs: 2500 }, unchanged('{{W}}', { waitMs: 2000 })] }),
  // Hole 16: git.
  attack('hole-git-space', { title: 'hole 16: a .git pointer whose target ends in a space', features: ['protect'], policy: ws(), tree: [file('{{W}}/real /config', 'c\n'), file('{{W}}/.git', 'gitdir: {{W}}/real \n')], argv: sh('echo x >> "{{W}}/real /config"'), observe: [unchanged('{{W}}/real ')] }),
  attack('hole-git-common', { title: 'hole 16: the common directory of a linked worktree', features: ['protect'], policy: ws({ writable_roots: ['{{W}}/wt'] }), tree: [git('{{W}}/main'), { path: '{{W}}/main', sh: 'git worktree add -q ../wt' }],
    steps: [{ argv: sh('echo x >> {{W}}/main/.git/config; echo x > {{W}}/main/.git/hooks/pre-commit') }], observe: [unchanged('{{W}}/main/.git/config'), absent('{{W}}/main/.git/hooks/pre-commit')], tier: 'hardening' }),
]);

const deny = group('deny', [
  attack('hole-deny-uring', { title: 'io_uring reads a denied file', features: ['split', 'deny'], policy: inside({ '{{W}}/s': 'none' }), tree: [secretFile('{{W}}/s')], argv: probe('uring-read', '{{W}}/s'), observe: [noSecret] }),
  attack('hole-deny-handle', { title: 'open a denied file by its handle', features: ['split', 'deny'], policy: inside({ '{{W}}/s': 'none' }), tree: [secretFile('{{W}}/s')], handleOf: '{{W}}/s', argv: probe('open-handle', '{{W}}', '{{HANDLE}}'), observe: [noSecret] }),
  attack('hole-deny-exchange', { title: 'exchange a denied file with an own one', features: ['split', 'deny'], policy: inside({ '{{W}}/s': 'none' }), tree: [secretFile('{{W}}/s'), file('{{W}}/m')], argv: sh('{{PROBE}} exchange {{W}}/m {{W}}/s; cat {{W}}/m {{W}}/s'), observe: [noSecret] }),
  // Hole 8: undoing the mounts, with and without a nested user namespace.
  ...['', '--userns '].flatMap((how) => [
    attack(`hole-umount-read${how && '-userns'}`, { unsafeUnsandboxed: true, title: `hole 8: umount the mask and read ${how}`, features: ['split', 'deny'], policy: inside({ '{{W}}/d': 'none', '{{W}}/s': 'none' }), tree: [secretFile('{{W}}/d/s'), secretFile('{{W}}/s'), dir('{{W}}/mnt')],
      argv: sh([`umount-read {{W}}/d {{W}}/d/s`, `umount-read {{W}}/s {{W}}/s`, `bind-read {{W}} {{W}}/mnt d/s`, `bind-read {{W}} {{W}}/mnt s`, `open-tree-read {{W}} d/s`, `open-tree-read {{W}} s`, `move-mount {{W}}/d {{W}}/mnt {{W}}/d/s`, `overlay-read {{W}} {{W}}/mnt d/s`].map((a) => `{{PROBE}} ${how}${a}`).join('\n')), observe: [noSecret] }),
    attack(`hole-remount-write${how && '-userns'}`, { unsafeUnsandboxed: true, title: `hole 8: make the tree writable again ${how}`, policy: ws(), tree: [file('{{OUT}}/f'), git('{{W}}'), dir('{{W}}/mnt')],
      argv: sh([`remount-rw / {{OUT}}/f`, `remount-rw {{OUT}} {{OUT}}/f`, `setattr-rw / {{OUT}}/f`, `setattr-rw {{W}}/.git {{W}}/.git/config`, `remount-rw {{W}}/.git {{W}}/.git/config`, `umount-write {{W}}/.git {{W}}/.git/config`, `mount-bind {{OUT}} {{W}}/mnt`, `mount-rbind / {{W}}/mnt`].map((a) => `{{PROBE}} ${how}${a}`).join('\n')), observe: [unchanged('{{OUT}}'), unchanged('{{W}}/.git'), denied('mount-bind'), denied('mount-rbind')] }),
  ]),
  // Hole 19.
  attack('hole-deny-2000', { title: 'hole 19: 2000 denied files', features: ['split', 'deny'], policy: inside(Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`{{W}}/d/${i}`, 'none']))), tree: [{ path: '{{W}}/d/%d', repeat: { count: 2000, content: 'k={{SECRET}}\n' } }], argv: sh('cat {{W}}/d/*; true'), observe: [noSecret] }),
]);

const net = group('net', [
  attack('hole-fastopen', { title: 'TCP with the first segment in sendmsg', policy: ws(), argv: probe('fastopen', '{{TCP4}}'), observe: [noContact('TCP4')] }),
  attack('hole-uring-connect', { title: 'io_uring makes and connects a socket', policy: ws(), argv: probe('uring-connect', '{{TCP4}}'), observe: [noContact('TCP4')] }),
  attack('hole-int80', { title: 'connect through the 32-bit entry', policy: ws(), needs: ['x86'], argv: sh('{{PROBE}} int80 {{TCP4}}; echo status $?'), observe: [noContact('TCP4')] }),
  attack('hole-x32', { title: 'connect with the x32 bit', policy: ws(), needs: ['x86'], argv: probe('x32', '{{USTREAM}}'), observe: [noContact('USTREAM')] }),
  unixScenario('hole-uring-unix', 'io_uring connects to a UNIX socket of the host', probe('uring-unix', '{{USTREAM}}'), 'USTREAM'),
  { ...unixScenario('hole-int80-unix', 'a UNIX socket through the 32-bit entry', sh('{{PROBE}} int80-unix {{USTREAM}}; echo status $?'), 'USTREAM'), needs: ['x86'] },
  // Hole 1: datagrams with an address.
  unixScenario('hole-dgram-connect', 'hole 1: connect a datagram socket', probe('unix-dgram-connect', '{{UDGRAM}}'), 'UDGRAM'),
  unixScenario('hole-dgram-sendmsg', 'hole 1: sendmsg with an address', probe('unix-dgram-sendmsg', '{{UDGRAM}}'), 'UDGRAM'),
  unixScenario('hole-dgram-sendmsg-abstract', 'hole 1: sendmsg to an abstract address', probe('unix-dgram-sendmsg-abs', '{{UDGRAMABS}}'), 'UDGRAMABS'),
  unixScenario('hole-pair-sendmsg', 'hole 1: sendmsg with an address from half of a socketpair', probe('unix-pair-sendmsg', '{{UDGRAM}}'), 'UDGRAM'),
  attack('hole-dgram-tmp', { title: 'hole 1: a datagram socket of the host inside a writable root', policy: wsTmp(), host: ['UDGRAM'], argv: sh('{{PROBE}} unix-dgram-sendmsg {{UDGRAM}}; {{PROBE}} unix-dgram-sendto {{UDGRAM}}'), observe: [noContact('UDGRAM')] }),
  attack('hole-net-setns', { title: 'enter the namespaces of a host process', policy: ws(), argv: sh('for n in net mnt user pid ipc; do {{PROBE}} setns {{VICTIM}} $n; {{PROBE}} setns $PPID $n; {{PROBE}} setns 1 $n; done; true'), observe: [denied('setns')] }),
]);

const proc = group('proc', [
  attack('hole-environ', { title: 'read the environment of a host process', policy: ws(), argv: sh('{{PROBE}} environ {{VICTIM}}; cat /proc/[0-9]*/environ 2>/dev/null | tr "\\0" "\\n" | grep VICTIM_ENV; true'), observe: [noSecret] }),
  attack('hole-proc-links', { title: 'reach outside through /proc of other processes: root, cwd, fd, map_files', policy: ws(), tree: [file('{{OUT}}/f')], argv: sh('for p in 1 $PPID {{VICTIM}}; do for l in root cwd; do echo x >> /proc/$p/$l{{OUT}}/f; done; ls -l /proc/$p/fd >/dev/null 2>&1 && echo "@@fds $p"; done; true'), observe: [unchanged('{{OUT}}'), outNot('@@fds {{VICTIM}}')] }),
  attack('hole-getfd', { title: 'take descriptors of a host process', policy: ws(), argv: probe('pidfd-getfd', '{{VICTIM}}'), observe: [denied('pidfd-getfd'), victimIntact] }),
  // Hole 11: processes of the sandbox that are held less than the command.
  attack('hole-weaker', { title: 'hole 11: rewrite the memory of a process that is held less', policy: ws(), argv: sh('for p in 1 $PPID $(ls /proc | grep "^[0-9]*$" | head -400); do [ $p = $$ ] || [ $p = {{VICTIM}} ] || {{PROBE}} weaker $p; done 2>/dev/null; true'), observe: [denied('weaker')], host: ['VICTIM'] }),
  attack('hole-init-memory', { title: 'hole 11: the memory of pid 1 and of the parent', policy: ws(), argv: sh('{{PROBE}} mem-selfsame 1; {{PROBE}} mem-selfsame $PPID'), observe: [denied('mem-selfsame')] }),
  // Hole 9: keyrings.
  attack('hole-key-read', { title: 'hole 9: read a key of the session keyring', policy: ws(), needs: ['keys'], steps: [{ argv: probe('key-read', 'sbx-{{TAG}}'), prefix: ['{{PROBE}}', 'host-keyring', 'sbx-{{TAG}}', '{{SECRET}}'] }], observe: [noSecret, denied('key-read')] }),
  attack('hole-key-add', { title: 'hole 9: add a key to the session keyring', policy: ws(), needs: ['keys'], steps: [{ argv: probe('key-add', 'sbx-new-{{TAG}}', 'x'), prefix: ['{{PROBE}}', 'host-keyring', 'sbx-{{TAG}}', 'x'] }], observe: [denied('key-add')] }),
  // Hole 10: System V and POSIX objects.
  attack('hole-ipc', { title: 'hole 10: shared memory and queues of the host', policy: ws(), argv: sh('{{PROBE}} shm-read {{IPCKEY}}; {{PROBE}} shm-write {{IPCKEY}}; {{PROBE}} msg-send {{IPCKEY}}; {{PROBE}} mq-send {{MQNAME}}'), observe: [noSecret, { ipcIntact: true }] }),
  attack('hole-ipc-net-on', { title: 'hole 10: the same with the network on', policy: ws({ network_access: true }), argv: sh('{{PROBE}} shm-read {{IPCKEY}}; {{PROBE}} shm-write {{IPCKEY}}; {{PROBE}} msg-send {{IPCKEY}}; {{PROBE}} mq-send {{MQNAME}}'), observe: [noSecret, { ipcIntact: true }] }),
  // The terminal.
  attack('hole-tty', { title: 'push input into the terminal of the host', policy: ws(), steps: [{ argv: sh('{{PROBE}} tiocsti; {{PROBE}} tioclinux'), prefix: ['{{PROBE}}', 'host-pty'], tty: true }], observe: [denied('tiocsti'), { ptyInput: 'none' }] }),
  attack('hole-tty-net-on', { title: 'the same with the network on', policy: ws({ network_access: true }), steps: [{ argv: sh('{{PROBE}} tiocsti; {{PROBE}} tioclinux'), prefix: ['{{PROBE}}', 'host-pty'], tty: true }], observe: [denied('tiocsti'), { ptyInput: 'none' }] }),
  work('hole-signals-default', { title: 'a host with blocked and ignored signals does not hand them on', policy: ws(), steps: [{ argv: probe('sigs'), prefix: ['{{PROBE}}', 'host-ignsig'] }], observe: [exit(0), out('@@sigs odd=0')] }),
  attack('hole-daemon-storm', { title: 'double forks with a session of their own do not outlive the command', policy: ws(), argv: sh('for i in 1 2 3 4 5 6; do (setsid sh -c "setsid sleep 15 & setsid sleep 15 & sleep 15" >/dev/null 2>&1 &) ; done; sleep 0.2'), observe: [{ ...noSurvivors, waitMs: 2500 }] }),
  attack('hole-timeout', { title: 'what ignores SIGTERM ends with the time limit', policy: ws(), steps: [{ argv: sh('trap "" TERM HUP INT; (trap "" TERM; sleep 30) & while :; do sleep 0.2; done'), timeoutMs: 3000 }], ranOptional: true, timeoutOk: true, observe: [{ ...noSurvivors, waitMs: 3000 }] }),
]);

const priv = group('priv', [
  // Hole 17 and the calls behind it.
  attack('hole-userns', { title: 'hole 17: no nested namespace', tier: 'hardening', policy: ws(), argv: sh('for f in 0x10000000 0x10020000 0x20000 0x40000000 0x8000000 0x20000000 0x4000000 0x2000000 0x80; do {{PROBE}} unshare $f; done; unshare -Ur true && echo "@@res unshare OK tool"; true'), observe: [denied('unshare')] }),
  attack('hole-mount-kinds', { unsafeUnsandboxed: true, title: 'mount proc and cgroup2', policy: ws(), tree: [dir('{{W}}/m')], argv: sh('for u in "" --userns; do {{PROBE}} $u mount-proc {{W}}/m; {{PROBE}} $u mount-cgroup2 {{W}}/m; {{PROBE}} $u mount-tmpfs {{W}}/m; done'), observe: [denied('mount-proc'), denied('mount-cgroup2'), denied('mount-tmpfs')] }),
  attack('hole-userfaultfd', { title: 'userfaultfd that handles kernel faults', policy: ws(), tier: 'hardening', argv: probe('userfaultfd'), observe: [denied('userfaultfd')] }),
  attack('hole-ptrace-child', { title: 'trace an own child', policy: ws(), argv: probe('ptrace-child'), observe: [denied('ptrace-child')] }),
  attack('hole-setid', { title: 'become another user', policy: ws(), users: ['root'], argv: sh('{{PROBE}} setuid 12345; true'), observe: [denied('setuid')] }),
  // Hole 7: /proc/sys, whatever the network says.
  ...[ws(), ws({ network_access: true }), split({ ':root': 'write', '{{OUT}}': 'read' })].map((policy, i) =>
    attack(`hole-sysctl-${i}`, { title: `hole 7: write kernel settings (policy ${i})`, policy, features: i > 1 ? ['split'] : [], tree: [file('{{OUT}}/f')], argv: sh('for f in /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/sys/vm/swappiness /proc/sys/net/ipv4/ip_forward /proc/sys/fs/file-max; do {{PROBE}} same-value $f; done'), observe: [denied('same-value')] })),
]);

const helper = group('helper', [
  // Hole 2: the command's environment acts in the sandbox only.
  ...['LD_PRELOAD', 'LD_AUDIT'].map((name) => attack(`hole-${name.toLowerCase().replace('_', '-')}`, { title: `hole 2: ${name} is not loaded outside the sandbox`, policy: ws(), steps: [{ argv: sh('true'), env: { [name]: '{{EVIL}}', SBX_EVIL_MARK: '{{OUT}}/planted' } }], observe: [absent('{{OUT}}/planted')] })),
  attack('hole-bwrap-planted', { title: 'a bwrap planted in a writable root that is first on PATH', policy: ws({ writable_roots: ['{{BIN}}'] }), tree: [{ path: '{{W}}/bin/bwrap', file: '#!/bin/sh\necho x > {{OUT}}/planted\n', mode: '755' }], steps: [{ argv: sh('true'), env: { PATH: '{{W}}/bin:/usr/local/bin:/usr/bin:/bin' } }], observe: [absent('{{OUT}}/planted')] }),
  attack('hole-helper-memory', { title: 'nothing of the plan lies in a writable place or stays open', policy: ws(), argv: sh('ls -l /proc/self/fd /proc/$$/fd | grep -i memfd; cat /proc/$$/maps | grep -i memfd; true'), observe: [outNot('memfd')] }),
]);

export const holes = [...fs, ...protect, ...deny, ...net, ...proc, ...priv, ...helper];
