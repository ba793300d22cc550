// A small real project to work on: a git repository with a C program, or a Node.js program where there is no compiler.
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const sources = {
  c: {
    'src/greet.c': '#include <stdio.h>\n\nint main(void) {\n  puts("good day");\n  return 0;\n}\n',
    'build.sh': 'set -e\nmkdir -p build/tmp\nTMPDIR=$PWD/build/tmp cc -O1 -o build/greet src/greet.c\n',
    'test.sh': 'test "$(build/greet)" = "good day" && echo "1 test passed"\n',
  },
  node: {
    'src/greet.js': "console.log('good day')\n",
    'build.sh': 'set -e\nmkdir -p build\ncp src/greet.js build/greet.js\nnode --check build/greet.js\n',
    'test.sh': 'test "$(node build/greet.js)" = "good day" && echo "1 test passed"\n',
  },
}

/** Makes the project in `folder`; says what it is made of. */
export function makeProject(folder) {
  const language = canCompile() ? 'c' : 'node'
  const files = { ...sources[language], '.codex/config.toml': 'model = "the user\'s choice"\n' }
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder, name)
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, content)
  }
  const git = initWithGit(folder)
  if (!git) initByHand(folder)
  mkdirSync(path.join(folder, '.git/hooks'), { recursive: true })
  return { language: language === 'c' ? 'C, built with cc' : 'Node.js', git: git ? 'made by git' : 'made by hand' }
}

function canCompile() {
  const options = { input: 'int main(void) { return 0; }\n', stdio: ['pipe', 'ignore', 'ignore'] }
  return spawnSync('cc', ['-xc', '-', '-o', '/dev/null'], options).status === 0
}

function initWithGit(folder) {
  // Nothing of the user's own git settings: a hook or a signing key would act here.
  const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null', GIT_DIR: undefined }
  const git = (...words) => spawnSync('git', words, { cwd: folder, env, stdio: 'ignore' }).status === 0
  const author = ['-c', 'user.name=demo', '-c', 'user.email=demo@localhost']
  return git('init', '-q') && git('add', '-A') && git(...author, 'commit', '-q', '-m', 'begin')
}

function initByHand(folder) {
  for (const name of ['objects', 'refs/heads']) mkdirSync(path.join(folder, '.git', name), { recursive: true })
  writeFileSync(path.join(folder, '.git/HEAD'), 'ref: refs/heads/main\n')
  writeFileSync(path.join(folder, '.git/config'), '[core]\n\trepositoryformatversion = 0\n')
}
