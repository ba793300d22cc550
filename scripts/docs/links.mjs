/** Follows every link of a site that lies in a folder: to files of it, and to places in them. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'

/** The links that lead nowhere, each `{ page, link }`. Links to other sites are not followed. */
export function brokenLinks(folder) {
  const pages = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.html'))
  const places = new Map()
  const broken = []
  for (const page of pages) {
    const file = path.join(folder, page)
    for (const link of new Set(matches(file, /\b(?:href|src)="([^"]*)"/g))) {
      if (link === '' || /^([a-z]+:|\/\/)/i.test(link)) continue
      const [target, place = ''] = link.replaceAll('&amp;', '&').split('#').map(decodeURIComponent)
      const to = target === '' ? file : fileOf(path.join(path.dirname(file), target.split('?')[0]))
      if (!isFile(to)) broken.push({ page, link })
      else if (place !== '') {
        if (!places.has(to)) places.set(to, new Set(matches(to, /\b(?:id|name)="([^"]*)"/g)))
        if (!places.get(to).has(place)) broken.push({ page, link })
      }
    }
  }
  return broken
}

const matches = (file, pattern) => [...readFileSync(file, 'utf8').matchAll(pattern)].map(([, found]) => found)

const isFile = name => statSync(name, { throwIfNoEntry: false })?.isFile() === true

/** As servers do. */
const fileOf = name => (statSync(name, { throwIfNoEntry: false })?.isDirectory() ? path.join(name, 'index.html') : name)
