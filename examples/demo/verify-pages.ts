import { html, type Html } from './html.ts'
import { field, hidden, problemBox } from './layout.ts'
import type { Asked } from './login-pages.ts'
import { messageFor } from './messages.ts'

export interface Authenticator {
  id: string
  type: string
  name?: string
}

interface VerifyState extends Asked {
  authenticators: readonly Authenticator[]
}

/** One section per second factor. */
export function verifyMain({ error, returnTo, authenticators }: VerifyState): Html {
  if (authenticators.length === 0) return enrollMain({ error, returnTo })
  return html`<h1>Two-step verification</h1>
    <p>Your password is correct. Now confirm that it is you.</p>
    ${problemBox({ text: messageFor(error) })}
    ${authenticators.map((authenticator) => factorForm(authenticator, returnTo))}
    <p><a href="/login">Start again</a></p>`
}

function factorForm({ id, type, name }: Authenticator, returnTo: string | undefined): Html {
  if (type === 'otp') return codeForm({ name: 'otp', label: 'Code from your authenticator app', returnTo })
  if (type === 'recovery-code') return recoveryForm(returnTo)
  if (type === 'push') return pushForms(id, returnTo)
  return html`<section class="factor">
    <h2>Text message</h2>
    ${sendForm({ id, label: `Send a code to ${name ?? 'my phone'}`, returnTo })}
    ${codeForm({ name: 'binding_code', label: 'Code from the message', returnTo })}
  </section>`
}

interface CodeForm {
  name: string
  label: string
  returnTo: string | undefined
}

function codeForm({ name, label, returnTo }: CodeForm): Html {
  return html`<form
    method="post"
    action="/api/auth/mfa/verify"
    data-send
    data-busy="Checking…"
    data-then="${returnTo ?? '/'}"
  >
    ${problemBox({ text: undefined })}${hidden('return_to', returnTo)}
    ${field({ label, name, autocomplete: 'one-time-code', numeric: true })}
    <p><button>Verify</button></p>
  </form>`
}

/** Submitted without the script, because the new recovery code has its own page. */
const recoveryForm = (returnTo: string | undefined) =>
  html`<section class="factor">
    <h2>No phone at hand?</h2>
    <form method="post" action="/verify/recovery">
      ${hidden('return_to', returnTo)} ${field({ label: 'Recovery code', name: 'recovery_code', autocomplete: 'off' })}
      <p><button class="quiet">Use recovery code</button></p>
    </form>
  </section>`

const pushForms = (id: string, returnTo: string | undefined) =>
  html`<section class="factor">
    <h2>Push notification</h2>
    ${sendForm({ id, label: 'Send a notification to my phone', returnTo, waits: true })}
    <form
      method="post"
      action="/api/auth/mfa/verify"
      data-send
      data-busy="Waiting for your phone…"
      data-then="${returnTo ?? '/'}"
      id="push-wait"
    >
      ${problemBox({ text: undefined })}${hidden('return_to', returnTo)}
      <p><button>I have approved it</button></p>
    </form>
  </section>`

interface SendForm {
  id: string
  label: string
  returnTo: string | undefined
  waits?: boolean
}

const sendForm = ({ id, label, returnTo, waits = false }: SendForm) =>
  html`<form
    method="post"
    action="/api/auth/mfa/challenge"
    data-send
    data-busy="Sending…"
    data-done="Sent."
    ${waits && html` data-submits="push-wait"`}
  >
    ${problemBox({ text: undefined })}${hidden('authenticator_id', id)}${hidden('return_to', returnTo)}
    <p><button class="quiet">${label}</button></p>
  </form>`

const enrollMain = ({ error, returnTo }: Asked) =>
  html`<h1>Set up two-step verification</h1>
    <p>Your password is correct. This account also needs a second factor, and has none yet.</p>
    ${problemBox({ text: messageFor(error) })}
    <form method="post" action="/verify/enroll">
      ${hidden('return_to', returnTo)}
      <p><button>Set up an authenticator app</button></p>
    </form>
    <p><a href="/login">Start again</a></p>`

export interface Enrollment {
  secret: string
  otpauth_uri: string
  recovery_codes?: string[]
}

export function enrolledMain({ secret, recovery_codes: codes = [] }: Enrollment, returnTo: string | undefined): Html {
  return html`<h1>Set up two-step verification</h1>
    <ol class="steps">
      <li>Add this key to your authenticator app: <code class="long">${secret}</code></li>
      <li>
        Write down your recovery code. It is not shown again:
        ${codes.map((code) => html`<code class="long">${code}</code>`)}
      </li>
      <li>Enter the code that the app shows.</li>
    </ol>
    ${codeForm({ name: 'otp', label: 'Code from your authenticator app', returnTo })}`
}

export function recoveredMain(code: string | undefined, returnTo: string | undefined): Html {
  return html`<h1>You are logged in</h1>
    ${
      code !== undefined &&
      html`<p>Your recovery code has been used. Write down the new one. It is not shown again.</p>
        <p><code class="long" id="new-recovery-code">${code}</code></p>`
    }
    <p><a class="button" href="${returnTo ?? '/'}">Continue</a></p>`
}
