/**
 * What the browser shows at the end of a login: static text, no script, nothing loaded, nothing of the request in it.
 */
import { createHash } from 'node:crypto'

export interface Page {
  /** How it went: told by the title, too, never by colour alone. */
  readonly tone: 'good' | 'bad' | 'neutral'
  readonly title: string
  readonly text: string
}

export const pages = {
  success: { tone: 'good', title: 'You are logged in', text: 'You can close this window and go back to your program.' },
  cancelled: { tone: 'neutral', title: 'Login cancelled', text: 'You can close this window.' },
  wrongState: {
    tone: 'bad',
    title: 'This page belongs to another login',
    text: 'The link is old or was not made by your program. Start again from your program.',
  },
  providerError: {
    tone: 'bad',
    title: 'Login failed',
    text: 'The provider refused the login. Go back to your program and try again.',
  },
  missingCode: {
    tone: 'bad',
    title: 'Login failed',
    text: 'The provider sent no code. Go back to your program and try again.',
  },
  exchangeFailed: {
    tone: 'bad',
    title: 'Login failed',
    text: 'The login could not be completed. Go back to your program and try again.',
  },
  workspace: {
    tone: 'bad',
    title: 'This workspace is not allowed',
    text: 'Your administrator allows other workspaces only. Go back to your program and choose one of them.',
  },
  storage: {
    tone: 'bad',
    title: 'Login not saved',
    text: 'The login succeeded but could not be stored on this computer. Go back to your program for the reason.',
  },
  notFound: { tone: 'neutral', title: 'Nothing here', text: 'This address is used for logging in only.' },
} as const satisfies Record<string, Page>

/** Decoration beside the title, 24 by 24. */
const marks: Readonly<Record<Page['tone'], string>> = {
  good: 'M7 12.5l3.5 3.5L17 9',
  bad: 'M8.5 8.5l7 7m0-7l-7 7',
  neutral: 'M7.5 12h9',
}

// Text against its background is 12:1 and more, marks 5:1 and more, in both schemes (test/auth/real-server.test.ts).
const style = `
:root { color-scheme: light dark; font: 1.125rem/1.5 system-ui, sans-serif; color: #1f2328; background: #fff }
body { display: grid; min-height: 100vh; min-height: 100dvh; margin: 0; place-items: center }
main { box-sizing: border-box; width: 100%; max-width: 36rem; padding: 2rem }
svg { display: block; width: 3rem; height: 3rem; margin-bottom: 1rem; fill: none; stroke: currentColor; stroke-width: 1.75 }
.good { color: #1a7f37 }
.bad { color: #b3261e }
.neutral { color: #59636e }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 0.5rem }
p { margin: 0 }
@media (prefers-color-scheme: dark) {
  :root { color: #f0f3f6; background: #15181d }
  .good { color: #56d364 }
  .bad { color: #ff9b92 }
  .neutral { color: #a6b0bb }
}
`

const styleHash = createHash('sha256').update(style).digest('base64')

export const pageHeaders: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

export function renderPage({ tone, title, text }: Page): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<main>
<svg class="${tone}" viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="10"/><path d="${marks[tone]}"/></svg>
<h1>${title}</h1>
<p>${text}</p>
</main>
</body>
</html>
`
}
