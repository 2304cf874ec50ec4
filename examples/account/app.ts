import express from 'express'
import { createRopgAuth } from 'express-auth0-ropg'
import { html, sendPage } from '../page.ts'
import { sameOrigin } from '../same-origin.ts'

export const auth = createRopgAuth({ pages: { login: '/login', afterLogin: '/account', afterLogout: '/login' } })
const app = express()

app.use('/auth', auth.router)
app.get('/', (_req, res) => {
  res.redirect('/account')
})

app.get('/login', (_req, res) => {
  const form = html`<form method="post" action="/auth/login">
    <p>
      <label>Email <input name="email" type="email" autocomplete="username" required /></label>
    </p>
    <p>
      <label>Password <input name="password" type="password" autocomplete="current-password" required /></label>
    </p>
    <p><button>Log in</button></p>
  </form>`
  sendPage(res, 'Log in', form)
})

const account = express.Router()
account.use(sameOrigin)

account.get('/', auth.requireAuth, async (req, res) => {
  const sessions = await auth.sessions.list(req.auth.sub)
  const rows = sessions.map(({ id, userAgent, ip, lastSeenAt }) => {
    const isCurrent = id === req.auth.sessionId
    const button = html`<form method="post" action="/account/sessions/${id}/revoke"><button>Log out</button></form>`
    return html`<li>
      ${userAgent ?? 'Unknown device'} (${ip}), last seen ${new Date(lastSeenAt).toUTCString()}
      ${isCurrent ? html`<strong>This device</strong>` : button}
    </li>`
  })
  const main = html`<p>${req.auth.user.name}, ${req.auth.user.email}</p>
    <h2>Where you are logged in</h2>
    <ul>
      ${rows}
    </ul>
    <form method="post" action="/account/log-out-others"><button>Log out all other devices</button></form>
    <form method="post" action="/account/log-out-everywhere"><button>Log out everywhere</button></form>
    <form method="post" action="/auth/logout"><button>Log out</button></form>`
  sendPage(res, 'Your account', main)
})

account.post('/sessions/:id/revoke', auth.requireAuth, async (req, res) => {
  // Finds only sessions of this user, so that nobody can end those of others.
  const isOver = await auth.sessions.revoke(req.auth.sub, req.params.id)
  if (isOver) res.redirect(303, '/account')
  else res.status(404).send('There is no such session.')
})

account.post('/log-out-others', auth.requireAuth, async (req, res) => {
  await auth.sessions.revokeAll(req.auth.sub, { except: req.auth.sessionId })
  res.redirect(303, '/account')
})

account.post('/log-out-everywhere', auth.requireAuth, async (req, res) => {
  await auth.sessions.revokeAll(req.auth.sub)
  await req.auth.logout() // also clears the cookie
  res.redirect(303, '/login')
})

app.use('/account', account)

export const server = app.listen(process.env.PORT ?? 3000)
