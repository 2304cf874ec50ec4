// The oldest settings that projects still have: `module: commonjs` with `moduleResolution: node10`.
import express, { type Response } from 'express'
import { AuthError, createRopgAuth, getAuth, type AuthenticatedRequest, type RequestAuth } from 'express-auth0-ropg'
import { signIn, startAuth0Emulator } from 'express-auth0-ropg/testing'

async function main(): Promise<void> {
  const emulator = await startAuth0Emulator()
  const auth = createRopgAuth({
    domain: emulator.domain,
    clientId: emulator.clientId,
    clientSecret: emulator.clientSecret,
    session: { secret: 'x'.repeat(32) },
  })
  const app = express()
  app.use('/auth', auth.router)
  app.get('/me', auth.requireAuth, (req, res) => {
    const { sub }: RequestAuth = req.auth
    res.json({ sub })
  })
  app.get<{ id: string }>('/x/:id', [auth.requireAuth], (req) => req.params.id + req.auth.sub)
  app.get('/named', auth.requireAuth, (req: AuthenticatedRequest, res: Response) => res.json(getAuth(req).sub))
  // A type that did not resolve would be `any`, which takes this too.
  // @ts-expect-error -- not an option
  createRopgAuth({ nonsense: true })
  // @ts-expect-error -- not a URL
  const domain: number = emulator.domain
  return emulator.close().catch((err: unknown) => {
    if (!(err instanceof AuthError)) throw new TypeError(String(domain))
  })
}

void main()
export { signIn }
