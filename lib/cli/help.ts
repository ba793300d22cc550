/**
 * The help texts. Every option that a command reads stands here, and every example works as it is written.
 */

const policyHelp = `  -p, --policy FILE|PRESET  read-only, workspace-write (default), strict, full-access, a JSON
                            file with a policy, a TOML file with [permissions], or - (stdin)
      --profile NAME        the profile of a TOML file (default: its default_permissions)
  -w, --writable DIR        may be written too; with workspace-write, repeatable
      --network             the command may use the network
      --no-network          it may not, whatever the policy says
  -C, --cwd DIR             directory of the policy and the command (default: this one)
      --git MODE            protected (default), hooks-and-config-protected (the command can
                            commit) or writable
      --engine NAME         namespace, bwrap or landlock; repeatable, in order
      --strict              refuse an engine that does not hold everything`

const general = `castellan: run a command inside a sandbox that holds it to a policy

usage: castellan COMMAND [OPTION]...

  run           run a command under a policy
  policy        check, show and convert policies; their JSON Schema
  explain       what a command could do with a path, and why
  doctor        what this machine can enforce
  auth          who is logged in; log in and out
  apply-patch   apply the patch of a coding agent, all of it or nothing
  windows       set up, look at and take away the elevated backend of Windows
  sandbox       sandbox linux: the program codex-linux-sandbox (also: debug landlock)
  help          help for one of these: castellan help run

  -h, --help      this text
  -V, --version   the version

examples:
  castellan run -- npm test
  castellan run --policy read-only -- git log
  castellan explain .git/config
  castellan doctor
  castellan auth login
  castellan apply-patch --check < change.patch

environment:
  NO_COLOR, FORCE_COLOR   no colours, or colours where there is no terminal
  CASTELLAN_DEBUG         show where in castellan an error came from`

const run = `usage: castellan run [OPTION]... [--] COMMAND [ARGUMENT]...

Runs a command under a policy. It has this terminal, these descriptors 0 to 2 and this
environment; what it started ends with it.

${policyHelp}
  -t, --timeout SECONDS     end the command with everything it started after this time
      --cpu-time SECONDS    the same after this much processor time of the whole tree
      --memory SIZE         the same above this much memory, for instance 512M or 2G
      --processes NUMBER    the same above this many processes and threads
      --open-files NUMBER   no process of it opens more
      --file-size SIZE      no file that it writes gets larger
      --inherit-env WHICH   which variables it gets of this environment: all (default),
                            core, sanitized (without what looks like a secret), none,
                            or names: PATH,HOME,LC_*
  -e, --env NAME=VALUE      a further variable; repeatable
      --show-plan           print how the command is held; without a command, only that
  -v, --verbose             print every notice
  -h, --help                this text

The exit code is the command's, and a signal that ends the command ends castellan too. Codes
of castellan itself:
  2    the command line cannot be used
  124  the time limit or another limit ended the command
  125  the sandbox could not be made; the command did not run
  126  the command cannot be executed
  127  the command was not found

Options of castellan stand before the command: the first word that is no option, or --, begins
the command. Ctrl-C reaches the command as always. So does Ctrl-Z, except with the engine bwrap,
which takes the command away from the terminal.

examples:
  castellan run -- make -j4 test
  castellan run --network -- npm install
  castellan run --writable ../build --timeout 600 -- ./configure
  castellan run --memory 2G --processes 200 --inherit-env sanitized -- npm test
  castellan run --policy policy.json --strict -- python3 tool.py
  castellan run --policy read-only --show-plan`

const explain = `usage: castellan explain [OPTION]... PATH...

Prints for every path which access a command would have, which entry of the policy decides it,
and which line of which engine's plan holds it. Nothing is run. A path need not exist.

${policyHelp}
      --json                print JSON
  -h, --help                this text

examples:
  castellan explain .git/config src/main.c ~/.ssh
  castellan explain --policy policy.json --json /etc/shadow`

const policy = `usage: castellan policy check FILE|PRESET|- [OPTION]...
       castellan policy show [FILE|PRESET|-] [OPTION]...
       castellan policy convert [FILE|PRESET|-] --to legacy|split [OPTION]...
       castellan policy schema

  check    is it right (errors name line and column), and which engine holds it
  show     what it means in this directory, as a tree, and its digest
  convert  the same policy in the words of the other model; refused, with the path that would
           change its answer, where there is none
  schema   the JSON Schema of policies

A policy is a preset (read-only, workspace-write, strict, full-access), a JSON file, a TOML file
with [permissions] profiles, or - for standard input. Nothing is run.

      --profile NAME        the profile of a TOML file (default: its default_permissions)
  -C, --cwd DIR             directory of the policy (default: this one)
      --git MODE            protected (default), hooks-and-config-protected or writable
      --to MODEL            convert: legacy or split
      --json                print JSON (check and show)
  -h, --help                this text

The exit code of check is 0 when the policy is right and an engine of this machine holds it,
1 when not, 2 when the command line cannot be used.

examples:
  castellan policy check policy.json
  castellan policy check ~/.codex/config.toml --profile dev
  castellan policy show strict
  castellan policy convert read-only --to split
  castellan policy schema > policy.schema.json`

const doctor = `usage: castellan doctor [--json]

Prints what this machine can enforce, how that was found out (by doing it once, in a process
that executes nothing), and what to do about what is missing.

      --json                print JSON
  -h, --help                this text

The exit code is 0 when an engine holds workspace-write with all its protections, otherwise 1.

examples:
  castellan doctor
  castellan doctor --json`

const auth = `usage: castellan auth status|login|logout|watch [OPTION]...

The login that programs share, in the place and format of Codex.

  status   who is logged in, and until when; looks at the stored login only
  login    log in with a browser on this machine, a code on another one, or an API key
  logout   remove the stored login, then let the server forget it
  watch    print a line now and with every change, until Ctrl-C

      --home DIR            directory of auth.json (default: CODEX_HOME, else ~/.codex)
      --storage KIND        where the login is kept: file (default), keyring, or auto, which is
                            the keyring where it works; give it to every command alike
      --issuer URL          another authorization server, with the same paths as Codex's
      --client-id ID        the client that it knows; give both to every command alike
      --device              login: show a code to type in a browser anywhere
      --with-api-key        login: read an API key from standard input and keep it
      --no-open             login: print the address and open no browser
      --port NUMBER         login: where the browser comes back to (default: 1455 or 1457,
                            which Codex's server knows; 0: any free port)
      --refresh             status: get new tokens first, so that the server is asked
      --json                print JSON; login and watch: one document per line
  -h, --help                this text

No token is ever printed. Ctrl-C cancels a login and leaves the stored one as it was.
The exit code is 0 when somebody is logged in (logout: when nothing is stored any more),
1 when not, 2 when the command line or CODEX_HOME cannot be used.

examples:
  castellan auth status || castellan auth login
  castellan auth login --device
  printenv OPENAI_API_KEY | castellan auth login --with-api-key
  castellan auth status --refresh --json
  castellan auth logout --home ./profile`

const applyPatch = `usage: castellan apply-patch [OPTION]... [PATCH]

Applies a patch between *** Begin Patch and *** End Patch, from the argument or from stdin: all of
it or nothing of it. It may write what a command under the policy may write.

  -p, --policy FILE|PRESET  read-only, workspace-write (default), strict, full-access, a JSON
                            file with a policy, a TOML file with [permissions], or - (stdin)
      --profile NAME        the profile of a TOML file (default: its default_permissions)
  -w, --writable DIR        may be written too; with workspace-write, repeatable
  -C, --cwd DIR             directory of the policy and of relative paths (default: this one)
      --check               verify the patch in full and write nothing
      --diff                print the changes as a unified diff, too
      --json                print JSON: the files, the changes with their diffs, or the error
      --overwrite           Add File and Move to replace a file that is there
      --environment NAME    the environment this machine is, for patches that name one
      --accept-races        where the system cannot keep a path from being swapped meanwhile,
                            apply the patch all the same
  -h, --help                this text

The exit code is 0 when the patch is applied (--check: can be applied), 1 when it is not and
nothing was changed, 2 when the command line cannot be used, 125 when the policy cannot be read
or held. Where a disk fails in the middle, the message names the files that are changed.

A copy or link of this program that is called apply_patch or applypatch is what agents call: it
takes a patch and no options, has no policy of its own, and replaces files as --overwrite does.

examples:
  castellan apply-patch < change.patch
  castellan apply-patch --check --diff < change.patch
  castellan apply-patch --cwd ../project "$(cat change.patch)"`

const windows = `usage: castellan windows setup|status|cleanup [OPTION]...

The elevated backend of Windows runs commands as an account that has no rights of its own.

  setup    make the two accounts, their group, firewall rules and directories; needs administrator
           rights; can be run again, and begins anew after a failure
  status   is it ready
  cleanup  take the entries of castellan off access lists

      --state-directory DIR where the sandbox keeps its state (default: %LOCALAPPDATA%\\castellan)
      --proxy-port PORT     setup, status: commands without network may reach this port of this
                            machine; repeatable
      --local-binding       setup, status: they may also be and reach servers of this machine
      --accounts            cleanup: remove accounts, group, firewall rules and directories, once no
                            access list has an entry any more
      --dry-run             setup, cleanup: print the steps and do nothing
      --json                print JSON
  -h, --help                this text

No password is ever printed, nor given in an argument. This version starts no command as one of the
accounts yet. The exit code is 0 when it is done (status: ready), 1 when something is left or not
ready, 2 when the command line cannot be used, 125 when a step failed or this is not Windows.

examples:
  castellan windows setup --dry-run
  castellan windows status --json
  castellan windows cleanup`

export const helpTexts = { run, explain, policy, doctor, auth, 'apply-patch': applyPatch, windows } as const

export function helpFor(command: keyof typeof helpTexts | undefined): string {
  return command === undefined ? general : helpTexts[command]
}
