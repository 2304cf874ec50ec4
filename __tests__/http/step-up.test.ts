import { expect, it } from '@jest/globals'
import { createTestClock, startAuth0Emulator } from '../../lib/testing/index.ts'
import { ada } from '../support/app.ts'
import { bodyOf, startWeb, Visitor } from './web.ts'

it('a login that Auth0 answers without asking for the password is no recent login', async () => {
  const emulator = await startAuth0Emulator({ users: [ada] })
  const clock = createTestClock(emulator)
  const web = await startWeb({
    store: 'memory',
    options: { clock },
    emulator,
    after: (app, auth) => {
      app.get('/transfer', auth.requireAuth, auth.requireRecentLogin({ maxAge: 300 }), (req, res) => {
        res.json({ at: req.auth.authenticatedAt })
      })
    },
  })
  const visitor = new Visitor(web)
  await visitor.enter()
  expect((await visitor.get('/transfer')).status).toBe(200)
  clock.advance(3600)
  expect(bodyOf(await visitor.get('/transfer')).error).toBe('reauthentication_required')

  // Uses only Auth0's SSO, as if the browser were not logged in here.
  const { location } = await visitor.get('/auth/login')
  const url = new URL(location)
  expect(url.searchParams.get('prompt')).toBe('login')
  url.searchParams.delete('prompt')
  const answer = await visitor.open(url.href)
  expect(answer.location).toContain('/auth/callback')
  await visitor.open(answer.location)

  expect((await visitor.get('/auth/user')).status).toBe(200)
  expect(bodyOf(await visitor.get('/transfer')).error).toBe('reauthentication_required')
  await emulator.close()
})
