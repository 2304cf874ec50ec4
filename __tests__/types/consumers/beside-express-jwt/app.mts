// express-jwt types its own request, with an `auth` of any type.
import express, { type NextFunction, type Response } from 'express'
import { createRopgAuth, type AuthenticatedRequest } from 'express-auth0-ropg'
import { expressjwt, type Request as JwtRequest } from 'express-jwt'

const auth = createRopgAuth()
const app = express()

interface Claims {
  admin: boolean
}
const jwt = expressjwt({ secret: 'secret', algorithms: ['HS256'] })

app.get('/site', auth.requireAuth, (req) => req.auth.sub)
app.get('/site', auth.requireAuth, (req: AuthenticatedRequest, res: Response) => res.json(req.auth.user))
app.get('/open', (req) => req.auth?.sub)

app.get('/api', jwt, (req: JwtRequest, res: Response) => res.json(req.auth?.['admin']))
app.get('/api', jwt, (req: JwtRequest<Claims>, res: Response) => res.json(req.auth?.admin === true))
app.get('/api', [jwt], (req: JwtRequest<Claims>, res: Response) => res.json(req.auth?.admin === true))
app.get<{ id: string }>('/api/:id', jwt, (req: JwtRequest<Claims>, res: Response) => res.json(req.auth?.admin === true))
app.use('/api', jwt, (req: JwtRequest<Claims>, res: Response, next: NextFunction) => {
  if (req.auth?.admin === true) next()
  else res.sendStatus(403)
})
app.use(jwt.unless({ path: ['/open'] }))
const router = express.Router()
router.route('/api').get(jwt, (req: JwtRequest<Claims>, res: Response) => res.json(req.auth?.admin === true))
app.use(router)
