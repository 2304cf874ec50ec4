import { createServer } from 'node:net'
import { once } from 'node:events'
import { expect, it, jest } from '@jest/globals'
import { freePort } from '../support/ports.ts'
import { startAuth0Emulator } from '../../lib/testing/index.ts'

it('startAuth0Emulator says how to get oidc-provider, and leaves nothing listening', async () => {
  jest.doMock('oidc-provider', () => {
    const message = "Cannot find package 'oidc-provider' imported from somewhere"
    throw Object.assign(new Error(message), { code: 'ERR_MODULE_NOT_FOUND' })
  })
  const port = await freePort()

  await expect(startAuth0Emulator({ port })).rejects.toThrow('npm install --save-dev oidc-provider')

  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  server.close()
})
