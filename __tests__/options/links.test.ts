import { describe, expect, it } from '@jest/globals'
import { complete, messageFor, resolve } from './support.ts'

describe.each(['loginUrl', 'recoveryUrl'] as const)('%s', (option) => {
  it.each([
    '/login',
    '/',
    'https://example.com/login',
    'http://localhost:5173/',
    'myapp://login',
    'com.example.app://x/y',
  ])('accepts %s', (link) => {
    expect(resolve({ ...complete, [option]: link })[option]).toBe(link)
  })

  it.each([
    '//evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    'login',
    'localhost:3000/login',
    'https://',
    'https:/example.com',
    'javascript:alert(1)',
    'javascript://%0aalert(1)',
    'JavaScript://%0aalert(1)',
    'java\nscript://%0aalert(1)',
    ' javascript://%0aalert(1)',
    'data:text/html,x',
    'data://text/html,x',
    'vbscript:x',
    'vbscript://x',
    'https://example.com/a b',
  ])('refuses %j', (link) => {
    expect(messageFor({ [option]: link })).toBe(
      `${option} must be an http(s) URL, a path that starts with a single /, or an app link such as myapp://login`,
    )
  })
})

describe('allowedOrigins', () => {
  it.each([
    'https://app.example.com',
    'https://app.example.com:8443',
    'http://localhost:5173',
    'capacitor://localhost',
    'ionic://localhost',
    'tauri://localhost',
    'app://localhost:8080',
    'chrome-extension://abcdefghijklmnop',
  ])('accepts %s', (origin) => {
    expect(resolve({ ...complete, allowedOrigins: [origin] }).allowedOrigins).toEqual([origin])
  })

  it.each(['*', 'https://*.example.com', 'https://*', 'capacitor://*', 'http://localhost:*'])(
    'refuses the wildcard %s',
    (origin) => {
      expect(messageFor({ allowedOrigins: [origin] })).toBe(
        'allowedOrigins[0] contains a wildcard, which is not supported: list every origin in full',
      )
    },
  )

  it('refuses null', () => {
    expect(messageFor({ allowedOrigins: ['https://app.example.com', 'null'] })).toBe(
      'allowedOrigins[1] is null, which browsers send for all sandboxed pages and local files: ' +
        'list the origins of your apps instead',
    )
  })

  it.each([
    'app.example.com',
    'https://app.example.com/',
    'https://app.example.com/path',
    'https://App.example.com',
    'https://app.example.com:443',
    'https://user:pass@app.example.com',
    'capacitor://localhost/',
    'Capacitor://localhost',
    'capacitor:localhost',
    'javascript://localhost',
    'file://',
  ])('refuses %s, which no browser sends', (origin) => {
    expect(messageFor({ allowedOrigins: [origin] })).toBe(
      'allowedOrigins[0] must be an origin as browsers send it, such as https://app.example.com or ' +
        'capacitor://localhost: lowercase, without a default port, a path or a trailing slash',
    )
  })
})
