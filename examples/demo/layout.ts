import { html, type Html } from './html.ts'

export interface Page {
  title: string
  main: Html
  /** The panel beside the page. */
  aside?: Html
}

export function layout({ title, main, aside }: Page): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} – Orders demo</title>
        <link rel="icon" href="/assets/favicon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/assets/demo.css" />
        <script src="/assets/demo.js" type="module"></script>
      </head>
      <body>
        <a class="skip" href="#main">Skip to content</a>
        <header class="bar">
          <p>
            <b>express-auth0-ropg</b>
            <span
              >Username-and-password login for Express, backed by Auth0, with no redirect. This demo uses an Auth0
              emulator, so nothing leaves your machine.</span
            >
          </p>
        </header>
        <div class="columns">
          <main id="main" tabindex="-1">${main}</main>
          ${aside && html`<aside aria-label="Behind the scenes">${aside}</aside>`}
        </div>
      </body>
    </html>`.markup
}

interface Problem {
  text: string | undefined
  /** Links to other actions. */
  link?: Html | undefined
}

/** Always rendered, so that screen readers announce text added by scripts. */
export function problemBox({ text, link }: Problem): Html {
  const focus = text !== undefined && html` autofocus`
  return html`<p role="alert" tabindex="-1" ${focus}>${text}${link && html` ${link}`}</p>
    <p role="status"></p>`
}

interface Field {
  label: string
  name: string
  type?: string
  autocomplete: string
  hint?: string
  numeric?: boolean
  value?: string | undefined
}

export function field({ label, name, type = 'text', autocomplete, hint, numeric = false, value }: Field): Html {
  return html`<p class="field">
    <label for="${name}">${label}</label>
    <input
      id="${name}"
      name="${name}"
      type="${type}"
      autocomplete="${autocomplete}"
      required${numeric && html` inputmode="numeric"`}${value !== undefined && html` value="${value}"`}${hint !== undefined && html` aria-describedby="${name}-hint"`}
    />
    ${hint !== undefined && html`<span class="hint" id="${name}-hint">${hint}</span>`}
  </p>`
}

export function hidden(name: string, value: string | undefined): Html {
  return value === undefined ? html`` : html`<input type="hidden" name="${name}" value="${value}" />`
}
