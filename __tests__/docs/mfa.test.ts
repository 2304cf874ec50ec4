import { describe, expect, it } from '@jest/globals'
import ts from 'typescript'
import { startAuth0Emulator, type EmulatorMfa } from '../../lib/testing/index.ts'
import { listen } from '../http/wire.ts'
import { ada, startApp, type TestApp } from '../support/app.ts'
import { readPage } from '../support/markdown.ts'
import { Browser } from '../testing/browser.ts'

interface Answer {
  success?: boolean
  error?: string
  authenticators?: { id: string; type: string }[]
  secret?: string
  otpauth_uri?: string
  recovery_code?: string
  recovery_codes?: string[]
}

interface FrontEnd {
  logIn(email: string, password: string): Promise<Answer>
  challenge(authenticatorId: string): Promise<Answer>
  verify(proof: object): Promise<Answer>
  waitForPush(): Promise<Answer>
  enrollApp(): Promise<Answer>
}

const block = readPage('docs/mfa.md').blocks.find(({ heading }) => heading === 'A front end')

/** Runs the front end of docs/mfa.md in a browser. `onWait` replaces the delay between polls. */
async function open(mfa: EmulatorMfa, onWait: (app: TestApp) => void = () => undefined) {
  const emulator = await startAuth0Emulator({ users: [{ ...ada, mfa }] })
  const app = await startApp({ emulator, options: { mfa: 'api' } })
  const { url } = await listen(app.app)
  const browser = new Browser()
  const fetch = async (path: string, { body, ...rest }: { method: string; body?: string }) => {
    const json = body === undefined ? {} : { body: new Blob([body], { type: 'application/json' }) }
    const page = await browser.open(url + path.replace('/api/auth', '/auth'), { ...rest, ...json })
    return { headers: page.headers, json: () => Promise.resolve(JSON.parse(page.text) as unknown) }
  }
  const setTimeout = (resume: () => void, milliseconds: number) => {
    expect(milliseconds).toBeGreaterThanOrEqual(1000)
    onWait(app)
    resume()
  }
  const { outputText } = ts.transpileModule(block?.code ?? '', {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
  })
  const page = {} as FrontEnd
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the code of the page, as it stands there
  new Function('exports', 'fetch', 'setTimeout', outputText)(page, fetch, setTimeout)
  return { page, emulator, whoAmI: async () => (await browser.open(`${url}/me`)).status }
}

const logIn = async (page: FrontEnd) => (await page.logIn(ada.email, ada.password)).authenticators ?? []

describe('the front end of docs/mfa.md', () => {
  it('logs in with an authenticator app, after a wrong code', async () => {
    const { page, emulator, whoAmI } = await open({ factors: [{ type: 'otp' }] })
    expect(await logIn(page)).toEqual([expect.objectContaining({ type: 'otp' })])
    expect(await page.verify({ otp: '000000' })).toMatchObject({ error: 'invalid_mfa_code' })
    expect(await page.verify({ otp: emulator.mfa.code(ada.email) })).toMatchObject({ success: true })
    expect(await whoAmI()).toBe(200)
    await emulator.close()
  })

  it('logs in with a sent code', async () => {
    const { page, emulator, whoAmI } = await open({ factors: [{ type: 'sms' }] })
    const [phone] = await logIn(page)
    await page.challenge(phone!.id)
    expect(await page.verify({ binding_code: emulator.mfa.sent[0]!.code })).toMatchObject({ success: true })
    expect(await whoAmI()).toBe(200)
    await emulator.close()
  })

  it('waits for a push notification', async () => {
    let polls = 0
    const { page, emulator, whoAmI } = await open({ factors: [{ type: 'push' }] }, (app) => {
      app.emulator.clock.advance(5)
      if (++polls === 2) app.emulator.mfa.approvePush(ada.email)
    })
    const [device] = await logIn(page)
    await page.challenge(device!.id)
    expect(await page.waitForPush()).toMatchObject({ success: true })
    expect([polls, await whoAmI()]).toEqual([2, 200])
    await emulator.close()
  })

  it('logs in with a recovery code and shows the next one', async () => {
    const { page, emulator, whoAmI } = await open({ factors: [{ type: 'otp' }, { type: 'recovery-code' }] })
    await logIn(page)
    const used = emulator.mfa.recoveryCode(ada.email)
    const { recovery_code: next } = await page.verify({ recovery_code: used })
    expect(next).toBe(emulator.mfa.recoveryCode(ada.email))
    expect([next === used, await whoAmI()]).toEqual([false, 200])
    await emulator.close()
  })

  it('enrolls an authenticator app for a user without a factor', async () => {
    const { page, emulator, whoAmI } = await open({ factors: [] })
    expect(await logIn(page)).toEqual([])
    const { secret, otpauth_uri, recovery_codes } = await page.enrollApp()
    expect(otpauth_uri).toContain(`secret=${secret}`)
    expect(recovery_codes).toHaveLength(1)
    expect(await page.verify({ otp: emulator.mfa.enrollCode(secret!) })).toMatchObject({ success: true })
    expect(await whoAmI()).toBe(200)
    await emulator.close()
  })
})
