/** Pictures of the site, for people: what a reader sees on a desktop and on a phone. */
import path from 'node:path'
import { pathToFileURL } from 'node:url'

import { chromium } from 'playwright-core'

const widths = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } }
const pages = {
  start: 'index.html',
  guide: 'documents/Quick_start.html',
  table: 'documents/Errors.html',
  api: 'functions/castellan.createSandbox.html',
}

/** Takes them into `folder`, and throws when a page is wider than the screen, so that a reader would have to scroll sideways. */
export async function takeScreenshots(site, folder) {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  const browser = await chromium.launch({ executablePath, args })
  const wide = []
  try {
    for (const [width, viewport] of Object.entries(widths)) {
      const page = await browser.newPage({ viewport })
      for (const [name, file] of Object.entries(pages)) {
        await page.goto(pathToFileURL(path.join(site, file)).href)
        await page.screenshot({ path: path.join(folder, `${name}-${width}.png`) })
        const scroll = await page.evaluate('document.documentElement.scrollWidth')
        if (scroll > viewport.width) wide.push(`${file} is ${scroll} wide on a ${width}`)
      }
    }
  } finally {
    await browser.close()
  }
  if (wide.length > 0) throw new Error(wide.join('; '))
}
