import { ApolloServer } from '@apollo/server'
import { unwrapResolverError } from '@apollo/server/errors'
import { expressMiddleware } from '@as-integrations/express5'
import express from 'express'
import { AuthError, createRopgAuth, type RequestAuth } from 'express-auth0-ropg'

interface Context {
  login: RequestAuth | undefined
}

const auth = createRopgAuth({ audience: 'https://api.example.com' })
const app = express()

app.use('/api/auth', auth.router)

const typeDefs = `
  type User { sub: ID!, name: String }
  type Query { me: User, posts: String! }
`

const resolvers = {
  Query: {
    me: (_parent: unknown, _args: unknown, { login }: Context) => login?.user,

    async posts(_parent: unknown, _args: unknown, { login }: Context) {
      if (!login) throw new AuthError('unauthenticated')
      const { accessToken } = await login.getAccessToken()
      const answer = await fetch(`${process.env.API_URL}/posts`, {
        headers: { authorization: `Bearer ${accessToken}` },
      })
      return answer.text()
    },
  },
}

const graphql = new ApolloServer<Context>({
  typeDefs,
  resolvers,
  // The message of an AuthError may be shown to users. Its code tells clients what to do.
  formatError(formatted, error) {
    const cause = unwrapResolverError(error)
    return cause instanceof AuthError ? { ...formatted, extensions: { code: cause.code } } : formatted
  },
})
await graphql.start()

const context = async ({ req }: { req: express.Request }) => ({ login: await auth.authenticate(req) })

app.use('/graphql', express.json(), expressMiddleware(graphql, { context }))

app.listen(process.env.PORT)
