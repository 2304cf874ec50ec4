import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { chromium } from 'playwright-core'
import { executablePath } from '../support/chromium.ts'
import { ada, logIn } from './support/client.ts'
import { runExample } from './support/run-example.ts'

const FOREIGN = 'https://evil.example'
const inBrowser = executablePath === undefined ? it.skip : it
let example: Awaited<ReturnType<typeof runExample>>

beforeAll(async () => {
  example = await runExample('spa')
})
afterAll(() => example.stop())

const ask = (origin: string, path = '/api/todos') =>
  example.agent().options(path).set({
    Origin: origin,
    'Access-Control-Request-Method': 'POST',
    'Access-Control-Request-Headers': 'content-type',
  })

it('serves the front end from its own origin, with the URL of the API', async () => {
  expect(await (await fetch(example.webUrl)).text()).toContain('<form id="login"')
  const script = await (await fetch(`${example.webUrl}/main.js`)).text()
  expect(script).toContain(JSON.stringify(example.url))
  expect(new URL(example.url).origin).not.toBe(new URL(example.webUrl).origin)
})

it('lets the front end log in and call the API with the cookie', async () => {
  const agent = example.agent().set({ Origin: example.webUrl, 'Sec-Fetch-Site': 'same-site' })
  const allowed = await ask(example.webUrl)
  expect(allowed.headers).toMatchObject({
    'access-control-allow-origin': example.webUrl,
    'access-control-allow-credentials': 'true',
    'access-control-allow-headers': 'content-type',
  })
  expect((await ask(example.webUrl, '/api/auth/login')).status).toBe(204)

  await logIn(agent)
  await agent.post('/api/todos').send({ text: 'tea' }).expect(201)
  const { body, headers } = await agent.get('/api/todos').expect(200)
  expect(body).toEqual({ todos: ['tea'] })
  expect(headers['access-control-allow-origin']).toBe(example.webUrl)
  await agent.post('/api/auth/logout').expect(200)
  const over = await agent.get('/api/todos').expect(401)
  // Readable by the script, which depends on it.
  expect(over.headers['access-control-allow-origin']).toBe(example.webUrl)
})

it('lets no other origin read anything, log in, or log out', async () => {
  for (const answer of [await ask(FOREIGN), await example.agent().get('/api/todos').set('Origin', FOREIGN)]) {
    expect(answer.headers['access-control-allow-origin']).not.toBe(FOREIGN)
    expect(answer.headers['access-control-allow-origin']).not.toBe('*')
  }
  const agent = await logIn(example.agent())
  const hostile = { Origin: FOREIGN, 'Sec-Fetch-Site': 'cross-site' }
  for (const path of ['/api/auth/login', '/api/auth/logout']) {
    const { body } = await agent.post(path).set(hostile).send(ada).expect(403)
    expect(body.error).toBe('cross_site_request')
  }
  await agent.get('/api/todos').expect(200)
})

it('does not treat a form from another site as an API call', async () => {
  const agent = await logIn(example.agent())
  for (const type of ['text/plain', 'application/x-www-form-urlencoded']) {
    await agent.post('/api/todos').set('Origin', FOREIGN).type(type).send('{"text":"planted"}').expect(400)
  }
  const { body } = await agent.get('/api/todos').expect(200)
  expect(body.todos).not.toContain('planted')
})

inBrowser('works in a browser, which lets a page of another origin neither read nor write', async () => {
  const args = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu']
  const neighbor = createServer((_req, res) => res.end('<link rel="icon" href="data:,">')).listen(0)
  const browser = await chromium.launch({ executablePath: executablePath!, args })
  try {
    const page = await browser.newPage()
    page.setDefaultTimeout(10_000)
    await page.goto(example.webUrl)
    await page.getByLabel('Email').fill(ada.email)
    await page.getByLabel('Password').fill(ada.password)
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByLabel('To do').fill('buy milk')
    await page.getByRole('button', { name: 'Add' }).click()
    await page.getByRole('listitem').filter({ hasText: 'buy milk' }).waitFor()

    // Same site, so that the browser sends the cookie.
    await page.goto(`http://localhost:${(neighbor.address() as AddressInfo).port}`)
    const write = { method: 'POST', body: '{"text":"planted"}', headers: { 'Content-Type': 'application/json' } }
    for (const init of [{}, write]) {
      const call = page.evaluate(
        ([url, init]) => fetch(url, { ...init, credentials: 'include' }).then(({ status }) => status),
        [`${example.url}/api/todos`, init] as const,
      )
      await expect(call).rejects.toThrow('Failed to fetch')
    }

    await page.goto(example.webUrl)
    await page.getByRole('listitem').filter({ hasText: 'buy milk' }).waitFor()
    expect(await page.getByText('planted').count()).toBe(0)
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByLabel('Password').waitFor()
  } finally {
    await browser.close()
    neighbor.close()
  }
})
