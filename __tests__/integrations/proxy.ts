import express, { type ErrorRequestHandler } from 'express'
import { AuthError, createRopgAuth } from 'express-auth0-ropg'
import { createProxyMiddleware } from 'http-proxy-middleware'

const auth = createRopgAuth({ audience: 'https://api.example.com' })
const app = express()

app.use('/api/auth', auth.router)

app.use(
  '/api',
  auth.requireAuth,
  async (req, res, next) => {
    const { accessToken } = await req.auth.getAccessToken()
    res.locals.accessToken = accessToken
    next()
  },
  createProxyMiddleware<express.Request, express.Response>({
    target: process.env.API_URL,
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

const onAuthError: ErrorRequestHandler = (err, _req, res, next) => {
  if (err instanceof AuthError && !res.headersSent) res.status(err.status).set(err.headers).json(err)
  else next(err)
}
app.use(onAuthError)

app.listen(process.env.PORT)
