import type { Auth0Emulator } from 'express-auth0-ropg/testing'
import type { Request, RequestHandler } from 'express'
import { textOf } from './browser.ts'
import { html, type Html } from './html.ts'

const COOKIE = 'demo_phone'

/** Remembers whose phone the demo shows next to the form. Codes come from the emulator, not from the app. */
export function rememberPhone({ users }: Auth0Emulator): RequestHandler {
  return (req, res, next) => {
    const { email } = Object(req.body) as { email?: unknown }
    const user = users.get(textOf(email) ?? '')
    if (user?.mfa) res.cookie(COOKIE, user.email, { httpOnly: true, sameSite: 'lax' })
    next()
  }
}

export function phoneOwner(req: Request): string | undefined {
  const found = /(?:^|; )demo_phone=([^;]*)/.exec(req.get('cookie') ?? '')?.[1]
  return found === undefined ? undefined : decodeURIComponent(found)
}

interface Shown {
  types: readonly string[]
  /** For an authenticator app that is being set up. */
  secret?: string | undefined
}

/** Codes and notifications that the user would see. */
export function phone(emulator: Auth0Emulator, email: string | undefined, { types, secret }: Shown): Html {
  const known = email === undefined ? undefined : emulator.users.get(email)
  if (!known) return html``
  const message = emulator.mfa.sent.filter((sent) => sent.email === known.email).at(-1)
  return html`<section class="panel phone" aria-labelledby="phone">
    <h2 id="phone">The phone of ${known.name ?? known.email}</h2>
    <p class="hint">The emulator stands in for the phone. Codes are shown here only because this is a demo.</p>
    <dl>
      ${
        secret !== undefined &&
        html`<dt>Authenticator app</dt>
          <dd><code id="otp-code">${emulator.mfa.enrollCode(secret)}</code></dd>`
      }
      ${
        types.includes('otp') &&
        html`<dt>Authenticator app</dt>
          <dd><code id="otp-code">${emulator.mfa.code(known.email)}</code></dd>`
      }
      ${
        types.includes('sms') &&
        html`<dt>Text message</dt>
          <dd><code id="sms-code">${message?.code ?? 'none yet'}</code></dd>`
      }
      ${
        types.includes('recovery-code') &&
        html`<dt>Recovery code</dt>
          <dd><code id="paper-code">${emulator.mfa.recoveryCode(known.email)}</code></dd>`
      }
    </dl>
    ${types.includes('push') && pushButtons()}
  </section>`
}

const pushButtons = () =>
  html`<form method="post" action="/demo/push" data-send>
    <p class="row">
      <button name="answer" value="approve">Approve</button>
      <button name="answer" value="deny" class="quiet">Deny</button>
    </p>
    <p role="status"></p>
    <p role="alert" tabindex="-1"></p>
  </form>`
