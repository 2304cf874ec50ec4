// express-oauth2-jwt-bearer declares `auth` on every request of Express.
import express, { type Request, type RequestHandler, type Response } from 'express'
import { createRopgAuth, getAuth, type AuthenticatedRequest } from 'express-auth0-ropg'
import { auth as jwt, claimIncludes, requiredScopes } from 'express-oauth2-jwt-bearer'

const auth = createRopgAuth()
const app = express()

const sub = (value: string) => value
const show = (req: AuthenticatedRequest, res: Response) => res.json(req.auth.user)

app.get('/site', auth.requireAuth, auth.requireScope('read'), (req) => sub(req.auth.sub))
app.get('/site', [auth.requireAuth, auth.requireScope('read')], (req) => sub(req.auth.sub))
app.get<{ id: string }>('/site/:id', auth.requireAuth, (req) => sub(req.auth.sub + req.params.id))
app.get('/site', auth.requireAuth, show)
app.get('/open', (req) => req.auth?.sub)

const router = express.Router()
router.use(auth.requireAuth)
router.get('/named', show)
router.get('/get-auth', (req) => sub(getAuth(req).sub))
app.use(router)

const tokens: RequestHandler[] = [jwt({ audience: 'https://api.example.com' }), requiredScopes('read')]
app.use('/api', ...tokens)
app.get('/api/read', jwt(), requiredScopes('read'), claimIncludes('role', 'admin'), (req, res) => {
  const subject: string | undefined = req.auth?.payload.sub
  const token: string | undefined = req.auth?.token
  res.json({ subject, token })
})
export const subjectOf = (req: Request) => req.auth?.payload.sub
