import { CookieTransactionStore, ServerClient, StatefulStateStore } from '@auth0/auth0-server-js'
import { parse } from 'cookie'
import express from 'express'
import { openIoredis } from './redis-clients.js'
import { serve } from './serve.js'
import { fetchFromStub, IDLE_SECONDS, settings, tailOf } from './settings.js'

const readsTwice = settings.variant.includes('guard-and-handler')

function guard(auth0) {
  return async (request, response, next) => {
    if (await auth0.getSession({ request, response })) next()
    else response.status(401).json({ error: 'unauthenticated' })
  }
}

function openClient(baseUrl) {
  const secret = settings.sessionSecret
  return new ServerClient({
    domain: settings.httpsDomain,
    clientId: settings.clientId,
    clientSecret: settings.clientSecret,
    authorizationParams: { redirect_uri: `${baseUrl}/callback`, scope: settings.scope },
    customFetch: fetchFromStub,
    transactionStore: new CookieTransactionStore({ secret }, cookies),
    stateStore: new StatefulStateStore({ secret, store: redisStore(), cookie: { secure: false } }, cookies),
  })
}

const cookies = {
  setCookie: (name, value, { maxAge, ...options } = {}, { response }) => {
    response.cookie(name, value, { ...options, ...(maxAge !== undefined && { maxAge: maxAge * 1000 }) })
  },
  getCookie: (name, { request }) => parse(request.headers.cookie ?? '')[name],
  getCookies: ({ request }) => parse(request.headers.cookie ?? ''),
  deleteCookie: (name, { response }) => {
    response.clearCookie(name)
  },
}

function redisStore() {
  const redis = openIoredis()
  const keyOf = (id) => `bench:server-js:${id}`
  return {
    get: async (id) => {
      const blob = await redis.get(keyOf(id))
      return blob === null ? undefined : JSON.parse(blob)
    },
    set: async (id, state) => {
      await redis.set(keyOf(id), JSON.stringify(state), 'EX', IDLE_SECONDS)
    },
    delete: async (id) => {
      await redis.del(keyOf(id))
    },
    deleteByLogoutToken: () => Promise.resolve(),
  }
}

await serve((baseUrl) => {
  const auth0 = openClient(baseUrl)
  const app = express()
  app.get('/login', async (request, response) => {
    response.redirect((await auth0.startInteractiveLogin({}, { request, response })).href)
  })
  app.get('/callback', async (request, response) => {
    await auth0.completeInteractiveLogin(new URL(request.url, baseUrl), { request, response })
    response.redirect('/me')
  })
  // The library's own example reads the session once in the guard and again in the handler.
  if (readsTwice) app.get(['/me', '/token'], guard(auth0))
  app.get('/me', async (request, response) => {
    const user = await auth0.getUser({ request, response })
    if (user) response.json({ sub: user.sub })
    else response.status(401).json({ error: 'unauthenticated' })
  })
  app.get('/token', async (request, response) => {
    const tokenSet = await auth0.getAccessToken({ request, response }).catch(() => undefined)
    if (tokenSet) response.json({ tail: tailOf(tokenSet.accessToken) })
    else response.status(401).json({ error: 'unauthenticated' })
  })
  return app
})
