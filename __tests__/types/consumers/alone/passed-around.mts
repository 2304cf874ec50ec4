// Members are passed around and taken off their object.
import express from 'express'
import { createRopgAuth, getAuth, type RopgAuth } from 'express-auth0-ropg'

export const auth = createRopgAuth()
export const app = express()
const { login, logout, requireAuth, requireScope, ready, close } = auth
const { getTokenByPassword } = auth.client
const { list, revokeAll } = auth.sessions

app.get('/me', requireAuth, requireScope('read'), (req, res) => {
  res.json(req.auth.user)
})
app.get('/sessions', auth.requireAuth, async (req, res) => {
  res.json(await list(req.auth.sub))
})
app.post('/logout', auth.requireAuth, async (req, res) => {
  const { getAccessToken, logout: leave } = req.auth
  await getAccessToken()
  await leave()
  res.sendStatus(204)
})
app.get('/named', (req, res) => {
  const { sub, user } = getAuth(req)
  res.json({ sub, name: user.name ?? user.nickname })
})
app.get('/open', (req, res) => {
  res.json({ isLoggedIn: req.auth !== undefined })
})

export const doors: Pick<RopgAuth, 'login' | 'logout'> = { login: auth.login, logout: auth.logout }
export const lists = [auth.sessions.list].map((take) => take('auth0|1'))
export const client = { refresh: auth.client.refresh, revoke: auth.client.revoke }
export const rest = { login, logout, ready, close, getTokenByPassword, revokeAll, guard: auth.requireAuth }
