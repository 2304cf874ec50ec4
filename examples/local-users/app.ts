import express from 'express'
import { AuthError, createRopgAuth, type UserClaims } from 'express-auth0-ropg'

interface LocalUser {
  id: number
  sub: string
  email: string | undefined
  suspended: boolean
}

// Stands in for a table of your database, with a unique index on `sub`.
export const users = new Map<string, LocalUser>()

function findOrCreate({ sub, email }: UserClaims): Promise<LocalUser> {
  const user = users.get(sub) ?? { id: users.size + 1, sub, email, suspended: false }
  users.set(sub, user)
  return Promise.resolve(user)
}

export const auth = createRopgAuth({
  async onLogin({ user }) {
    const local = await findOrCreate(user)
    if (local.suspended) {
      throw new AuthError('access_denied', {
        detail: `local user ${local.id} is suspended`, // for your log
        body: { support_url: '/help/suspended' }, // for the front end
      })
    }
    return { userId: local.id }
  },
})
const app = express()

// A login route of your own, under the same limits and checks as that of `auth.router`, which is not mounted here.
app.post('/api/session', express.json(), async (req, res) => {
  const { login, password, remember } = (req.body ?? {}) as { login: string; password: string; remember?: boolean }
  const { sub, expiresAt } = await auth.login(req, { username: login, password, remember_me: remember })
  res.status(201).json({ user: users.get(sub), expiresAt })
})

app.delete('/api/session', async (req, res) => {
  await auth.logout(req)
  res.sendStatus(204)
})

app.get('/api/me', auth.requireAuth, (req, res) => {
  res.json({ sub: req.auth.sub, data: req.auth.data })
})

const sendAuthError: express.ErrorRequestHandler = (err, _req, res, next) => {
  if (err instanceof AuthError && !res.headersSent) res.status(err.status).set(err.headers).json(err)
  else next(err)
}
app.use(sendAuthError)

export const server = app.listen(process.env.PORT ?? 3000)
