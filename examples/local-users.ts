import { pathToFileURL } from 'node:url'
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

// Settings come from AUTH0_DOMAIN, AUTH0_CLIENT_ID, AUTH0_CLIENT_SECRET, SESSION_SECRET and REDIS_URL.
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
export const app = express()

app.use('/api/auth', auth.router)

app.get('/api/me', auth.requireAuth, (req, res) => {
  res.json({ sub: req.auth.sub, data: req.auth.data })
})

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const server = app.listen(3000, () => {
    console.log('http://localhost:3000')
  })
  process.once('SIGTERM', () => {
    server.close(() => void auth.close())
  })
}
