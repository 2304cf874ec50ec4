import { promisify } from 'node:util'
import { claimsOf } from './grants.js'

/** What apps typically keep in a session: the user's claims, and the tokens as issued. */
export function contentOf(grant) {
  const { access_token, id_token, refresh_token, expires_in } = grant
  return {
    user: claimsOf(id_token),
    tokens: { access_token, id_token, refresh_token, expires_at: Math.floor(Date.now() / 1000) + expires_in },
  }
}

/** A hand-written login route on express-session. */
export function loginRoute(grantPassword, keep) {
  return async (req, res) => {
    const { email, password } = req.body
    const grant = await grantPassword(email, password, req.ip)
    if (!grant) {
      res.status(401).json({ error: 'invalid_credentials' })
      return
    }
    const { user, tokens } = contentOf(grant)
    await keep(req, { user, tokens })
    await promisify(req.session.save.bind(req.session))()
    res.json({ success: true, user: { id: user.sub, email: user.email, name: user.name } })
  }
}

export async function keepInSession(req, { user, tokens }) {
  await promisify(req.session.regenerate.bind(req.session))()
  Object.assign(req.session, { user, tokens })
}
