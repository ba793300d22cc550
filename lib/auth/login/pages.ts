/**
 * What the browser shows at the end of a login: static text, no script, nothing loaded, nothing of the request in it.
 */
import { createHash } from 'node:crypto'

export interface Page {
  readonly title: string
  readonly text: string
}

export const pages = {
  success: { title: 'You are logged in', text: 'You can close this window and go back to your program.' },
  cancelled: { title: 'Login cancelled', text: 'You can close this window.' },
  wrongState: {
    title: 'This page belongs to another login',
    text: 'The link is old or was not made by your program. Start again from your program.',
  },
  providerError: {
    title: 'Login failed',
    text: 'The provider refused the login. Go back to your program and try again.',
  },
  missingCode: { title: 'Login failed', text: 'The provider sent no code. Go back to your program and try again.' },
  exchangeFailed: {
    title: 'Login failed',
    text: 'The login could not be completed. Go back to your program and try again.',
  },
  workspace: {
    title: 'This workspace is not allowed',
    text: 'Your administrator allows other workspaces only. Go back to your program and choose one of them.',
  },
  storage: {
    title: 'Login not saved',
    text: 'The login succeeded but could not be stored on this computer. Go back to your program for the reason.',
  },
  notFound: { title: 'Nothing here', text: 'This address is used for logging in only.' },
} as const satisfies Record<string, Page>

const style = `
:root { color-scheme: light dark; font: 1.125rem/1.5 system-ui, sans-serif }
body { display: grid; min-height: 100vh; margin: 0; place-items: center }
main { max-width: 32rem; padding: 2rem }
h1 { font-size: 1.5rem; margin: 0 0 0.5rem }
p { margin: 0 }
`

const styleHash = createHash('sha256').update(style).digest('base64')

export const pageHeaders: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

export function renderPage({ title, text }: Page): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<main role="main" aria-labelledby="title">
<h1 id="title">${title}</h1>
<p>${text}</p>
</main>
</body>
</html>
`
}
