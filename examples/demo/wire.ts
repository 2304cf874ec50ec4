import type { Auth0Emulator, RecordedRequest } from 'express-auth0-ropg/testing'
import { html, type Html } from './html.ts'

/** Parameters whose values may be shown. For all others, only the name is shown. */
const PUBLIC = ['grant_type', 'scope', 'audience', 'realm', 'client_id', 'username', 'email', 'connection', 'type']
const ALSO_PUBLIC = ['challenge_type', 'authenticator_types', 'response_type', 'code_challenge_method', 'login_hint']
const SHOWN = 12

/** Pages that the browser opens at Auth0. */
const BY_BROWSER = ['/authorize', '/u/login', '/oidc/logout', '/v2/logout']

/** The latest requests to Auth0, newest first. */
export function wireRows({ requests }: Auth0Emulator): Html {
  if (requests.length === 0) return html`<li>Nothing yet.</li>`
  return html`${requests.slice(-SHOWN).reverse().map(row)}`
}

function row({ method, path, params, at, grantType }: RecordedRequest): Html {
  const from = BY_BROWSER.includes(path) ? 'browser' : 'app'
  const fields = Object.entries(params).map(
    ([name, value]) =>
      html`<dt>${name}</dt>
        <dd>${shown(name, value)}</dd>`,
  )
  const line = html`<time>${new Date(at).toISOString().slice(11, 19)}</time> ${from}
    <code>${method} ${path}</code> ${grantType !== undefined && html`<b>${grantType.replace(/^.*[/:]/, '')}</b>`}`
  if (fields.length === 0) return html`<li>${line}</li>`
  return html`<li>
    <details>
      <summary>${line}</summary>
      <dl>${fields}</dl>
    </details>
  </li>`
}

function shown(name: string, value: unknown): string {
  const isPublic = PUBLIC.includes(name) || ALSO_PUBLIC.includes(name)
  return isPublic && typeof value === 'string' ? value : '(hidden)'
}
