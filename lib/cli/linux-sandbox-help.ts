/** The help of `codex-linux-sandbox`. Its first line is what a usage error shows. */
export const linuxSandboxHelp = `usage: codex-linux-sandbox --sandbox-policy-cwd DIR POLICY [OPTION]... [--] COMMAND [ARGUMENT]...

The helper that Codex starts for every command on Linux, with the same command line, refusals
and exit codes. For people there is \`castellan run\`.

policy, one of:
      --sandbox-policy JSON               the legacy policy
      --file-system-sandbox-policy JSON   the split policy, always with
      --network-sandbox-policy JSON       its network word: '"restricted"' or '"enabled"'
                                          (all three: they must mean the same)
      --permission-profile JSON           the later form, in place of the three

      --sandbox-policy-cwd DIR     what the policy is relative to
      --command-cwd DIR            the command's directory, when it is an alias of another
      --allow-network-for-proxy    only the proxies on loopback that the environment names
      --use-legacy-landlock        hold the file system with Landlock alone
      --no-proc                    accepted; a fresh /proc is mounted wherever that works
      --inherit-pid-namespace      show the processes of the host
  -h, --help                       this text

inner stage:
      --apply-seccomp-then-exec    close the network only, and become the command
      --proxy-route-spec JSON      the routes that an outer stage has made

exit codes: the command's own; 128+N when signal N ended it beside mounts (elsewhere this
program has become the command); 1 the mounts failed; 2 the command line cannot be read;
101 refused, or the command cannot be executed.`
