import { html, type Html } from './html.ts'
import { hidden } from './layout.ts'

interface PanelState {
  /** Page to return to if scripts are disabled. */
  back: string
  did?: string | undefined
  hasRedis: boolean
  isLoggedIn: boolean
  wire: Html
}

/** Message after each panel button. */
export const DONE: Record<string, string> = {
  auth0: 'The next token request to Auth0 will fail with 503.',
  redis: 'Redis is unreachable for 5 seconds.',
  expire: 'The access token has expired. The next API call gets a new one.',
  backchannel: 'Auth0 told the app that your sessions have ended. The next request has to log in again.',
  push: 'The phone has answered.',
}

export function panel({ back, did, hasRedis, isLoggedIn, wire }: PanelState): Html {
  return html`<section class="panel" aria-labelledby="break">
      <h2 id="break">What happens if…</h2>
      ${tryButton({ action: 'auth0', label: 'Auth0 fails once', back })}
      ${hasRedis ? tryButton({ action: 'redis', label: 'Redis is down for 5 seconds', back }) : html`<p class="hint">There is no Redis here: sessions are kept in this process.</p>`}
      ${isLoggedIn && tryButton({ action: 'expire', label: 'The access token expires', back })}
      ${isLoggedIn && tryButton({ action: 'backchannel', label: 'Auth0 ends my sessions', back })}
      <p role="status" id="did">${did !== undefined && DONE[did]}</p>
    </section>
    <section class="panel" aria-labelledby="wire-title">
      <h2 id="wire-title">What Auth0 received</h2>
      <p class="hint">
        Newest first. Open a request to see its fields. Tokens stay on the server: the browser gets only a session
        cookie.
      </p>
      <ol id="wire" class="wire">
        ${wire}
      </ol>
      <p><a href="/api-reference">All routes, to try out</a></p>
    </section>`
}

const tryButton = ({ action, label, back }: { action: string; label: string; back: string }) =>
  html`<form method="post" action="/demo/${action}" data-send data-status="did">
    ${hidden('back', back)}<button class="quiet">${label}</button>
  </form>`
