// The table of one host size as a picture: a bar per variant, on a logarithmic scale, since they lie far apart.
const escaped = text => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

/** An SVG of the ratios to child_process.spawn, least first. */
export function ratioChart({ title, rows }) {
  const sorted = rows.toSorted((one, other) => one.ratio - other.ratio)
  const width = 760
  const left = 210
  const right = 80
  const rowHeight = 26
  const top = 44
  const height = top + sorted.length * rowHeight + 12
  const least = Math.min(0.5, ...sorted.map(row => row.ratio))
  const most = Math.max(2, ...sorted.map(row => row.ratio))
  const place = ratio =>
    left + ((Math.log(ratio) - Math.log(least / 1.5)) / Math.log((most * 1.5) / least)) * (width - left - right)
  const bars = sorted.map(({ variant, ratio, ours }, index) => {
    const y = top + index * rowHeight
    const colour = ours ? '#2f7d4f' : '#8a8f98'
    const value = ratio < 0.1 ? ratio.toFixed(3) : ratio.toFixed(2)
    return [
      `<text x="${left - 8}" y="${y + 15}" text-anchor="end">${escaped(variant)}</text>`,
      `<rect x="${left}" y="${y + 3}" width="${Math.max(1, place(ratio) - left).toFixed(1)}" height="${rowHeight - 8}" fill="${colour}"/>`,
      `<text x="${(place(ratio) + 6).toFixed(1)}" y="${y + 15}">${value} ×</text>`,
    ].join('\n')
  })
  const one = place(1).toFixed(1)
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="13">
<rect width="100%" height="100%" fill="white"/>
<text x="12" y="22" font-size="15">${escaped(title)}</text>
<line x1="${one}" x2="${one}" y1="${top - 6}" y2="${height - 8}" stroke="#444" stroke-dasharray="4 3"/>
${bars.join('\n')}
</svg>
`
}
