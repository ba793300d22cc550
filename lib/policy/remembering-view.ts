/**
 * A view of the disk that looks at each place once, so that all parts of one resolution see the same disk. Not for longer
 * than that: a policy's meaning follows the disk.
 */
import type { AbsolutePath } from './path.ts'
import type { FileSystemView } from './types.ts'

function remember<Answer>(ask: (path: AbsolutePath) => Answer): (path: AbsolutePath) => Answer {
  const answers = new Map<AbsolutePath, Answer>()
  return path => {
    const known = answers.get(path)
    if (known !== undefined) return known
    const answer = ask(path)
    answers.set(path, answer)
    return answer
  }
}

export function rememberingView(files: FileSystemView): FileSystemView {
  const kindOf = remember(path => files.kindOf(path))
  const linkTargetKindOf = remember(path => files.targetKindOf(path))
  return {
    kindOf,
    realPath: remember(path => files.realPath(path)),
    // What is no link is what it leads to: one look answers both questions.
    targetKindOf(path) {
      const kind = kindOf(path)
      return kind === 'symlink' ? linkTargetKindOf(path) : kind
    },
    readText: (path, limit) => files.readText(path, limit),
    ...(files.spelledOnDisk === undefined ? {} : { spelledOnDisk: remember(files.spelledOnDisk) }),
  }
}
