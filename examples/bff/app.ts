import express, { type ErrorRequestHandler } from 'express'
import { AuthError, createRopgAuth } from 'express-auth0-ropg'
import { createProxyMiddleware } from 'http-proxy-middleware'
import { sameOrigin } from '../same-origin.ts'

// With `offline_access`, access tokens are renewed as long as the session lasts.
export const auth = createRopgAuth({
  audience: 'https://api.example.com',
  scope: 'openid profile email offline_access',
})
const app = express()

app.use('/auth', auth.router)

// The browser has a cookie, and the API wants a token: /api/orders becomes /orders at the API.
app.use(
  '/api',
  sameOrigin,
  auth.requireAuth,
  async (req, res, next) => {
    const { accessToken } = await req.auth.getAccessToken()
    res.locals.accessToken = accessToken
    next()
  },
  createProxyMiddleware<express.Request, express.Response>({
    target: process.env.API_URL ?? 'http://localhost:3001',
    changeOrigin: true,
    on: {
      proxyReq(proxyReq, _req, res) {
        proxyReq.setHeader('authorization', `Bearer ${res.locals.accessToken}`)
        proxyReq.removeHeader('cookie')
      },
      proxyRes(proxyRes) {
        delete proxyRes.headers['set-cookie']
      },
    },
  }),
)

const sendAuthError: ErrorRequestHandler = (err, _req, res, next) => {
  if (err instanceof AuthError && !res.headersSent) res.status(err.status).set(err.headers).json(err)
  else next(err)
}
app.use(sendAuthError)

export const server = app.listen(process.env.PORT ?? 3000)
