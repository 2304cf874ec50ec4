import type { Response } from 'express'

/** HTML that is not escaped again. */
class Html {
  readonly markup: string

  constructor(markup: string) {
    this.markup = markup
  }
}

type Value = string | Html | Html[] | undefined

/** Template tag that escapes all values except HTML. */
export function html(parts: TemplateStringsArray, ...values: Value[]): Html {
  return new Html(parts.reduce((before, part, index) => `${before}${markupOf(values[index - 1])}${part}`))
}

function markupOf(value: Value): string {
  if (value instanceof Html) return value.markup
  if (Array.isArray(value)) return value.map(({ markup }) => markup).join('\n')
  return (value ?? '').replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

const POLICY = "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

/** Sends a page without scripts that must not be cached. */
export function sendPage(res: Response, title: string, main: Html): void {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${title}</title>
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          ${main}
        </main>
      </body>
    </html>`
  res.set({ 'Content-Security-Policy': POLICY, 'Cache-Control': 'no-store' }).send(page.markup)
}
