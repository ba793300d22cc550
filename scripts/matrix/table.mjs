/** The results of the matrix as the table of the README. */

const begin = '<!-- matrix: made by `npm run matrix -- --readme` -->'
const end = '<!-- /matrix -->'

export function table({ system, rows }) {
  const lines = rows.map(({ name, version, passed, did, notRun }) => {
    if (notRun !== undefined) return `| ${name} | not run: ${notRun} |`
    const words = version === undefined || name.includes(version) ? name : `${name} (${version})`
    return `| ${words} | ${passed ? did : '**failed**'} |`
  })
  return [`| On ${system} | What was executed, from the packed tarball |`, '|---|---|', ...lines].join('\n')
}

/** `text` with the table between its marks. Throws where there are none. */
export function withTable(text, results) {
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error('the README has no place for the table')
  return `${text.slice(0, from + begin.length)}\n${table(results)}\n${text.slice(to)}`
}
