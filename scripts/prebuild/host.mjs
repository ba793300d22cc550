/** The file below prebuilds/ that this very process would take, as lib/native/locate.ts chooses. */
export function prebuildOfThisHost() {
  const glibc = process.report.getReport().header.glibcVersionRuntime !== undefined
  const tag = process.platform === 'linux' ? (glibc ? '.glibc' : '.musl') : ''
  return `${process.platform}-${process.arch}/castellan${tag}.node`
}
