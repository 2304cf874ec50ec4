import type { SessionInfo } from 'express-auth0-ropg'
import { html, type Html } from './html.ts'
import { problemBox } from './layout.ts'

export interface AccountState {
  name: string
  email: string | undefined
  sub: string
  since: Date
  /** Epoch seconds. Undefined if there is no token. */
  tokenExpiresAt: number | undefined
  sessions: readonly SessionInfo[]
  currentId: string
  problem?: string | undefined
  result?: string | undefined
}

export function accountMain(state: AccountState): Html {
  const { name, email, sub, since, tokenExpiresAt, problem, result } = state
  return html`<h1>Hello, ${name}</h1>
    <section class="card" aria-labelledby="account">
      <h2 id="account">Your account</h2>
      <dl>
        <dt>Email</dt>
        <dd>${email}</dd>
        <dt>User ID</dt>
        <dd><code>${sub}</code></dd>
        <dt>Logged in</dt>
        <dd>${timeOf(since)}</dd>
        <dt>Access token</dt>
        <dd id="token">
          ${tokenExpiresAt === undefined ? 'none at the moment' : html`on the server, expires at ${timeOf(new Date(tokenExpiresAt * 1000))}`}
        </dd>
      </dl>
      <form method="post" action="/api/auth/logout" data-send data-busy="Logging out…" data-then="/login">
        ${problemBox({ text: undefined })}
        <p><button>Log out</button></p>
      </form>
    </section>
    <section class="card" aria-labelledby="api">
      <h2 id="api">Your orders</h2>
      <p>The server calls an API with your access token, and gets a new token first if it has expired.</p>
      <form method="post" action="/orders" data-send data-busy="Loading…" id="orders">
        <p role="alert" tabindex="-1" ${problem !== undefined && html` autofocus`}>${problem}</p>
        <p role="status">${result}</p>
        <p><button>Load my orders</button></p>
      </form>
    </section>
    <section class="card" aria-labelledby="sessions">
      <h2 id="sessions">Where you are logged in</h2>
      <ul class="sessions">
        ${state.sessions.map((session) => sessionRow(session, state.currentId))}
      </ul>
      <form method="post" action="/sessions/revoke-all">
        <p><button class="danger">Log out everywhere</button></p>
      </form>
    </section>`
}

function sessionRow({ id, ip, userAgent, lastSeenAt }: SessionInfo, currentId: string): Html {
  const device = deviceOf(userAgent)
  return html`<li>
    <span
      ><b>${device}</b>${id === currentId && html` <em>This device</em>`}<br /><span class="hint"
        >${ip}, last seen ${timeOf(new Date(lastSeenAt))}</span
      ></span
    >
    <form method="post" action="/sessions/${id}/revoke">
      <button class="quiet" aria-label="Log out ${device}, last seen ${timeOf(new Date(lastSeenAt))}">Log out</button>
    </form>
  </li>`
}

function deviceOf(userAgent = ''): string {
  const browser = /Edg|Firefox|Chrome|Safari|curl/.exec(userAgent)?.[0] ?? 'Unknown browser'
  const system = /Windows|Android|iPhone|Mac OS X|Linux/.exec(userAgent)?.[0]
  return `${browser === 'Edg' ? 'Edge' : browser}${system === undefined ? '' : ` on ${system}`}`
}

const timeOf = (date: Date) => `${date.toISOString().slice(0, 10)} ${date.toISOString().slice(11, 19)} UTC`
