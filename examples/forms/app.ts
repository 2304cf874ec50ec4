import express from 'express'
import { createRopgAuth } from 'express-auth0-ropg'
import { html, sendPage } from '../page.ts'
import { sameOrigin } from '../same-origin.ts'

// With `pages`, form posts and navigations are answered with redirects instead of JSON.
export const auth = createRopgAuth({ mfa: 'api', pages: { login: '/login', afterLogin: '/', afterLogout: '/login' } })
const app = express()

app.use('/auth', auth.router)

const MESSAGES = new Map([
  ['invalid_credentials', 'Incorrect email or password.'],
  ['invalid_request', 'Enter your email and password.'],
  ['invalid_mfa_code', 'Incorrect code.'],
  ['mfa_required', 'Enter the code from your authenticator app.'],
  ['rate_limited', 'Too many attempts. Please wait a minute.'],
  ['session_expired', 'Your session has expired. Please log in again.'],
])

const textOf = (value: unknown) => (typeof value === 'string' ? value : '')

app.get('/login', (req, res) => {
  const error = textOf(req.query.error)
  const needsCode = ['mfa_required', 'invalid_mfa_code'].includes(error)
  const message = MESSAGES.get(error) ?? (error ? 'Login is not possible at the moment.' : '')
  const password = html`<p>
      <label>Email <input name="email" type="email" autocomplete="username" required /></label>
    </p>
    <p>
      <label>Password <input name="password" type="password" autocomplete="current-password" required /></label>
    </p>
    <p>
      <label><input name="remember_me" type="checkbox" /> Stay logged in</label>
    </p>`
  const code = html`<p>
    <label>Code <input name="otp" inputmode="numeric" autocomplete="one-time-code" required /></label>
  </p>`
  const form = html`<p role="alert">${message}</p>
    <form method="post" action="${needsCode ? '/auth/mfa/verify' : '/auth/login'}">
      <input type="hidden" name="return_to" value="${textOf(req.query.return_to)}" />
      ${needsCode ? code : password}
      <p><button>Log in</button></p>
    </form>`
  sendPage(res, 'Log in', form)
})

// Stands in for a table of your database.
const notes = new Map<string, string[]>()

app.get('/', auth.requireAuth, (req, res) => {
  const items = (notes.get(req.auth.sub) ?? []).map((note) => html`<li>${note}</li>`)
  const main = html`<p>Hello ${req.auth.user.name}</p>
    <ul>
      ${items}
    </ul>
    <form method="post" action="/notes">
      <p>
        <label>Note <input name="note" required /></label> <button>Add</button>
      </p>
    </form>
    <form method="post" action="/auth/logout"><button>Log out</button></form>`
  sendPage(res, 'Notes', main)
})

app.post('/notes', sameOrigin, auth.requireAuth, express.urlencoded({ extended: false }), (req, res) => {
  const { note } = (req.body ?? {}) as { note?: unknown }
  notes.set(req.auth.sub, [...(notes.get(req.auth.sub) ?? []), textOf(note)])
  res.redirect(303, '/')
})

export const server = app.listen(process.env.PORT ?? 3000)
