import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { startAuth0Emulator, type Auth0Emulator } from '../../lib/testing/emulator.js'
import { logIn, post, refresh, refreshTokenOf } from './tenant-client.js'

let emulator: Auth0Emulator

beforeEach(async () => {
  emulator = await startAuth0Emulator()
})

afterEach(() => emulator.close())

describe('failNext', () => {
  it('answers 500 once without arguments', async () => {
    emulator.failNext()
    const { status, body } = await logIn(emulator)
    expect([status, body]).toEqual([500, { text: '' }])
    expect((await logIn(emulator)).status).toBe(200)
  })

  it('answers what it is given, as JSON', async () => {
    const body = { error: 'too_many_requests', error_description: 'Global limit has been reached' }
    const headers = { 'x-ratelimit-limit': '30', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1795465583' }
    emulator.failNext({ status: 429, body, headers, times: 2 })
    for (const _ of [1, 2]) {
      const reply = await logIn(emulator)
      expect([reply.status, reply.body]).toEqual([429, body])
      expect(reply.headers.get('x-ratelimit-reset')).toBe('1795465583')
    }
    expect((await logIn(emulator)).status).toBe(200)
  })

  it('sends a string unchanged', async () => {
    emulator.failNext({ status: 502, body: '<html>Bad gateway</html>' })
    const { status, headers, body } = await logIn(emulator)
    expect([status, body.text]).toEqual([502, '<html>Bad gateway</html>'])
    expect(headers.get('content-type')).toMatch(/^text\/html/)
    emulator.failNext({ status: 200, body: '{"access_token":', headers: { 'content-type': 'application/json' } })
    await expect(logIn(emulator)).rejects.toThrow(SyntaxError)
  })

  it('keeps to its path and grant, in the order of the calls', async () => {
    const token = await refreshTokenOf(emulator)
    emulator.failNext({ grantType: 'refresh_token', status: 503 })
    emulator.failNext({ path: '/.well-known/openid-configuration', status: 500 })
    emulator.failNext({ status: 501 })
    expect((await logIn(emulator)).status).toBe(501)
    expect((await refresh(emulator, token)).status).toBe(503)
    expect(emulator.refreshTokens.isActive(token)).toBe(true)
    const discover = () => fetch(`${emulator.domain}/.well-known/openid-configuration`)
    expect([(await discover()).status, (await discover()).status]).toEqual([500, 200])
    emulator.failNext({ path: '/.well-known/jwks.json', body: { keys: [] }, status: 200 })
    expect(await (await fetch(`${emulator.domain}/.well-known/jwks.json`)).json()).toEqual({ keys: [] })
  })

  it('delays, and then deals with the request', async () => {
    emulator.failNext({ delay: 60 })
    const start = performance.now()
    expect((await logIn(emulator)).status).toBe(200)
    expect(performance.now() - start).toBeGreaterThan(50)
  })

  it('adds headers to the right answer', async () => {
    emulator.failNext({ headers: { 'x-ratelimit-remaining': '0' } })
    const { status, headers } = await logIn(emulator)
    expect([status, headers.get('x-ratelimit-remaining')]).toEqual([200, '0'])
  })

  it('destroys the socket', async () => {
    emulator.failNext({ reset: true })
    await expect(logIn(emulator)).rejects.toThrow('fetch failed')
    expect((await logIn(emulator)).status).toBe(200)
  })

  it('never answers', async () => {
    emulator.failNext({ hang: true })
    const signal = AbortSignal.timeout(80)
    await expect(fetch(`${emulator.domain}/oauth/token`, { method: 'POST', signal })).rejects.toThrow('timeout')
  })

  it.each([{ truncate: true }, { truncate: true, status: 200, body: { access_token: 'x'.repeat(100) } }])(
    'cuts the answer short: %j',
    async (fault) => {
      emulator.failNext(fault)
      const response = await fetch(`${emulator.domain}/oauth/token`, { method: 'POST' })
      expect(Number(response.headers.get('content-length'))).toBeGreaterThan(10)
      await expect(response.text()).rejects.toThrow('terminated')
    },
  )

  it.each([{ reset: true }, { status: 502 }, { truncate: true }, { delay: 10, reset: true }])(
    'loses the answer of a refresh that took place: %j',
    async (fault) => {
      const token = await refreshTokenOf(emulator)
      emulator.failNext({ ...fault, grantType: 'refresh_token', afterProcessing: true })
      await refresh(emulator, token).catch(() => undefined)
      expect(emulator.refreshTokens.isActive(token)).toBe(false)
      expect(emulator.refreshTokens.families()).toBe(1)
      expect((await refresh(emulator, token)).status).toBe(403)
      expect(emulator.refreshTokens.families()).toBe(0)
    },
  )

  it('records the requests it spoils', async () => {
    emulator.failNext({ reset: true })
    await logIn(emulator).catch(() => undefined)
    expect(emulator.requestsTo('/oauth/token')).toHaveLength(1)
  })
})

describe('hold', () => {
  it('stops a request before it takes effect', async () => {
    const token = await refreshTokenOf(emulator)
    const gate = emulator.hold({ grantType: 'refresh_token' })
    const held = refresh(emulator, token)
    expect(await gate.arrived).toMatchObject({ grantType: 'refresh_token', params: { refresh_token: token } })
    expect(emulator.refreshTokens.isActive(token)).toBe(true)
    expect((await logIn(emulator)).status).toBe(200)
    gate.release()
    expect((await held).status).toBe(200)
  })

  it('stops an answer after the request took effect', async () => {
    const token = await refreshTokenOf(emulator)
    const gate = emulator.hold({ after: true })
    const held = refresh(emulator, token)
    await gate.arrived
    expect(emulator.refreshTokens.isActive(token)).toBe(false)
    gate.release()
    expect((await held).body.refresh_token).toEqual(expect.any(String))
  })

  it('holds one request for each call, on whatever path', async () => {
    const gates = [emulator.hold({ path: '/oauth/revoke' }), emulator.hold({ path: '/oauth/revoke' })]
    const done: number[] = []
    const revoke = async (index: number) => {
      await post(emulator, '/oauth/revoke', { token: 'x' })
      done.push(index)
    }
    const first = revoke(0)
    await gates[0]!.arrived
    const second = revoke(1)
    await gates[1]!.arrived
    gates[1]!.release()
    await second
    gates[0]!.release()
    await first
    expect(done).toEqual([1, 0])
  })

  it('lets a request pass that was released before it arrived', async () => {
    emulator.hold().release()
    expect((await logIn(emulator)).status).toBe(200)
  })

  it('holds an answer that a fault then spoils', async () => {
    const gate = emulator.hold({ after: true })
    emulator.failNext({ status: 503, afterProcessing: true })
    const held = logIn(emulator)
    await gate.arrived
    gate.release()
    expect((await held).status).toBe(503)
  })

  it('is opened by close', async () => {
    const gate = emulator.hold()
    const held = logIn(emulator)
    const lost = expect(held).rejects.toThrow('fetch failed')
    await gate.arrived
    await emulator.close()
    await lost
  })
})
