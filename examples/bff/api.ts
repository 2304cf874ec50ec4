/** An API that accepts only access tokens of the tenant. */
import express, { type RequestHandler } from 'express'
import { createRemoteJWKSet, jwtVerify } from 'jose'

const domain = process.env.AUTH0_DOMAIN ?? ''
const issuer = `${domain.startsWith('http') ? domain : `https://${domain}`}/`
const keys = createRemoteJWKSet(new URL('.well-known/jwks.json', issuer))

const requireToken: RequestHandler = async (req, res, next) => {
  const [, token = ''] = /^Bearer (.+)$/.exec(req.get('authorization') ?? '') ?? []
  try {
    const { payload } = await jwtVerify(token, keys, { issuer, audience: 'https://api.example.com' })
    res.locals.sub = payload.sub
  } catch {
    res.status(401).set('WWW-Authenticate', 'Bearer').json({ message: 'A valid access token is required.' })
    return
  }
  next()
}

const api = express()
const orders = new Map<unknown, unknown[]>()

api.use(requireToken)

api.get('/orders', (_req, res) => {
  res.json({ owner: res.locals.sub as string, orders: orders.get(res.locals.sub) ?? [] })
})

api.post('/orders', express.json(), (req, res) => {
  orders.set(res.locals.sub, [...(orders.get(res.locals.sub) ?? []), req.body])
  res.sendStatus(201)
})

export const apiServer = api.listen(new URL(process.env.API_URL ?? 'http://localhost:3001').port)
