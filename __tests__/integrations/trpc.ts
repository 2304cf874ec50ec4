import { initTRPC } from '@trpc/server'
import { createExpressMiddleware, type CreateExpressContextOptions } from '@trpc/server/adapters/express'
import express from 'express'
import { AuthError, createRopgAuth } from 'express-auth0-ropg'

const auth = createRopgAuth({ audience: 'https://api.example.com' })
const app = express()

app.use('/api/auth', auth.router)

async function createContext({ req }: CreateExpressContextOptions) {
  return { login: await auth.authenticate(req) }
}

const t = initTRPC.context<typeof createContext>().create({
  // The message of an AuthError may be shown to users. Its code tells clients what to do.
  errorFormatter({ shape, error: { cause } }) {
    return { ...shape, data: { ...shape.data, authError: cause instanceof AuthError ? cause.code : undefined } }
  },
})

const loggedIn = t.procedure.use(({ ctx: { login }, next }) => {
  if (!login) throw new AuthError('unauthenticated')
  return next({ ctx: { login } })
})

const router = t.router({
  me: loggedIn.query(({ ctx }) => ctx.login.user),

  posts: loggedIn.query(async ({ ctx }) => {
    const { accessToken } = await ctx.login.getAccessToken()
    const answer = await fetch(`${process.env.API_URL}/posts`, { headers: { authorization: `Bearer ${accessToken}` } })
    return answer.text()
  }),
})

export type AppRouter = typeof router

app.use(
  '/trpc',
  createExpressMiddleware({
    router,
    createContext,
    // Without it, each AuthError that is thrown in a procedure is answered with status 500.
    responseMeta({ errors }) {
      const cause = errors[0]?.cause
      return cause instanceof AuthError ? { status: cause.status } : {}
    },
  }),
)

app.listen(process.env.PORT)
