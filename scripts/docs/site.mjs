/** Makes the site with typedoc: the README is its first page, the guides stand beside the API. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

import { Application, LogLevel } from 'typedoc'

import { guides } from './guides.mjs'
import { extendMarkdown } from './markdown.mjs'

const entryPoints = ['index.ts', 'policy/index.ts', 'auth/index.ts', 'apply-patch/index.ts', 'entry/index.ts']

/** Guides in reading order, then those that nobody put in order. */
export function orderedGuides(names) {
  const known = guides.map(name => `${name}.md`).filter(name => names.includes(name))
  return [...known, ...names.filter(name => !known.includes(name)).toSorted()]
}

/** Writes the site to `out` and returns what typedoc warns of, as sentences. */
export async function makeSite({ root, out }) {
  const inLib = entryPoints.map(name => path.join(root, 'lib', name))
  const names = orderedGuides(readdirSync(path.join(root, 'docs')).filter(name => name.endsWith('.md')))
  const pages = [...names.map(name => `docs/${name}`), 'CHANGELOG.md', 'SECURITY.md', 'CONTRIBUTING.md']
  const application = await Application.bootstrap({
    name: 'castellan',
    entryPoints: inLib,
    tsconfig: path.join(root, 'tsconfig.build.json'),
    readme: path.join(root, 'README.md'),
    projectDocuments: pages.map(name => path.join(root, name)),
    out,
    // No links to lines of a repository, whose place a checkout does not know.
    disableSources: true,
    excludeInternal: true,
    excludePrivate: true,
    excludeExternals: true,
    githubPages: false,
    highlightLanguages: ['typescript', 'javascript', 'json', 'shell', 'toml', 'yaml', 'dockerfile', 'diff'],
    hideGenerator: true,
    markdownItLoader: extendMarkdown,
    customCss: path.join(root, 'scripts/docs/site.css'),
    includeVersion: true,
    skipErrorChecking: true,
    sort: ['source-order'],
    validation: { invalidLink: true, notExported: false, rewrittenLink: false, invalidPath: true },
    logLevel: LogLevel.Warn,
  })
  const warnings = []
  application.logger.log = (message, level) => {
    if (level >= LogLevel.Warn) warnings.push(String(message).replaceAll(`${root}`, ''))
  }
  const project = await application.convert()
  if (project === undefined) throw new Error(`typedoc cannot read the sources: ${warnings.join('; ')}`)
  nameForReaders(
    project,
    pages.map(name => headingOf(path.join(root, name))),
  )
  application.validate(project)
  await application.generateDocs(project, out)
  return warnings
}

const headingOf = file => /^# (.*)$/m.exec(readFileSync(file, 'utf8'))[1].replaceAll('`', '')

/** Pages by their headings instead of their files, in the order that was given, and modules as they are imported. */
function nameForReaders(project, headings) {
  for (const [index, page] of project.documents.entries()) page.name = headings[index]
  for (const module of project.children) {
    module.name = module.name === 'index' ? 'castellan' : `castellan/${module.name}`
  }
}
