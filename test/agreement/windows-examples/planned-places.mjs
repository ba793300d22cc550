/** Where an elevated process may write, and what is told of a place that leads elsewhere. */

const plain = path => ({ finalPath: path, reparseTag: 0 })

/** What is told of `C:\\u\\State\\.sandbox` on a disk that answers so about some places; null: nothing is there. */
function problem(library, answers) {
  const asked = []
  const told = library.placeProblem('C:\\u\\State\\.sandbox', path => {
    asked.push(path)
    return path in answers ? answers[path] : plain(path)
  })
  return [told?.path ?? null, asked.length]
}

export function plannedPlaceExamples(add, library) {
  add(
    'a place begins at its volume or share',
    () => ['C:\\u\\State\\.sandbox', 'D:\\x', 'C:\\', '\\\\s\\h\\x\\y', '\\\\s\\h'].map(library.plannedPlace),
    [
      { anchor: 'C:\\', below: 'u\\State\\.sandbox' },
      { anchor: 'D:\\', below: 'x' },
      { anchor: 'C:\\', below: '' },
      { anchor: '\\\\s\\h\\', below: 'x\\y' },
      { anchor: '\\\\s\\h\\', below: '' },
    ],
  )
  for (const [what, answers, expected] of [
    ['is plain', {}, [null, 4]],
    ['is spelled in other letter case', { 'C:\\u\\State': plain('c:\\U\\state') }, [null, 4]],
    [
      'is a link',
      { 'C:\\u\\State\\.sandbox': { ...plain('C:\\u\\State\\.sandbox'), reparseTag: 1 } },
      ['C:\\u\\State\\.sandbox', 4],
    ],
    ['lies behind a link', { 'C:\\u': { ...plain('C:\\u'), reparseTag: 0xa0000003 } }, ['C:\\u', 2]],
    ['lies on a drive that stands for a directory', { 'C:\\': plain('D:\\x') }, ['C:\\', 1]],
    ['has a short name', { 'C:\\u\\State': plain('C:\\u\\State of things') }, ['C:\\u\\State', 3]],
    ['is not there yet', { 'C:\\u\\State': null }, [null, 3]],
  ])
    add(`a place that ${what}`, () => problem(library, answers), expected)
  add(
    'what is told of a place that cannot be written',
    () =>
      [
        ['verify', 4395],
        ['verify', 161],
        ['verify', 50],
        ['NtCreateFile', 4395],
        ['NtCreateFile', 161],
      ].map(([call, win32]) => {
        const { path, message } = library.placeFailure({ call, win32, path: 'C:\\u' })
        return [path, message.replace(/[,;].*$/, '')]
      }),
    [
      ['C:\\u', 'C:\\u is a link'],
      ['C:\\u', 'C:\\u is not where it says'],
      ['C:\\u', 'verify failed with 50 at C:\\u'],
      ['C:\\u', 'NtCreateFile failed with 4395 at C:\\u'],
      ['C:\\u', 'NtCreateFile failed with 161 at C:\\u'],
    ],
  )
}
