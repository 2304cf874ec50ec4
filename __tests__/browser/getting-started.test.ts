import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, it } from '@jest/globals'
import express from 'express'
import { chromium } from 'playwright-core'
import { createRopgAuth } from '../../lib/index.ts'
import { startAuth0Emulator } from '../../lib/testing/index.ts'
import { ada, secret } from '../support/app.ts'
import { readPage } from '../support/markdown.ts'
import { executablePath } from '../support/chromium.ts'
import { describeInBrowser } from './support/browser.ts'

describeInBrowser('the form of docs/getting-started.md', () => {
  it('says why a login failed, and logs in', async () => {
    const { blocks } = readPage('docs/getting-started.md')
    const html = blocks.find(({ language }) => language === 'html')!.code
    const emulator = await startAuth0Emulator({ users: [ada] })
    const { domain, clientId, clientSecret } = emulator
    const auth = createRopgAuth({ domain, clientId, clientSecret, session: { secret }, logger: false })
    const app = express()
    app.use('/api/auth', auth.router)
    app.get('/api/me', auth.requireAuth, (req, res) => res.json({ email: req.auth.user.email }))
    app.get('/login.html', (_req, res) => res.type('html').send(html))
    const server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] })
    try {
      const page = await browser.newPage()
      await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/login.html`)
      await page.getByLabel('Email').fill(ada.email)
      await page.getByLabel('Password').fill('wrong')
      await page.getByRole('button').click()
      await page.getByText('Incorrect email or password.').waitFor()

      await page.getByLabel('Password').fill(ada.password)
      await page.getByRole('button').click()
      await page.waitForURL('**/api/me')
      expect(JSON.parse(await page.locator('body').innerText())).toEqual({ email: ada.email })
    } finally {
      await browser.close()
      server.closeAllConnections()
      server.close()
      await auth.close()
      await emulator.close()
    }
  })
})
