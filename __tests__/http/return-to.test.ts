import { describe, expect, it } from '@jest/globals'
import { returnTarget } from '../../lib/http/return-to.ts'
import { startWeb, Visitor } from './web.ts'

const HOSTILE: [string, unknown][] = [
  ['another origin', 'https://evil.example/'],
  ['another origin without a path', 'http://evil.example'],
  ['a scheme-relative URL', '//evil.example'],
  ['a scheme-relative URL with a path', '//evil.example/a'],
  ['three slashes', '///evil.example'],
  ['four slashes', '////evil.example/a'],
  ['a slash and a backslash', '/\\evil.example'],
  ['a backslash and a slash', '\\/evil.example'],
  ['two backslashes', '\\\\evil.example'],
  ['a backslash later on', '/a\\..\\..//evil.example'],
  ['a tab between slashes', '/\t/evil.example'],
  ['a newline between slashes', '/\n/evil.example'],
  ['a carriage return between slashes', '/\r/evil.example'],
  ['a header of its own', '/a\r\nSet-Cookie: a=b'],
  ['a null character', '/\0/evil.example'],
  ['an escape character', '/\u001b/evil.example'],
  ['a delete character', '/\u007f/evil.example'],
  ['a C1 control character', '/\u0085/evil.example'],
  ['a leading space', ' //evil.example'],
  ['a leading space before a path', ' /a'],
  ['a leading tab', '\t/a'],
  ['a leading newline', '\n//evil.example'],
  ['an encoded slash', '/%2fevil.example'],
  ['an encoded slash in capitals', '/%2F%2Fevil.example'],
  ['a doubly encoded slash', '/%252fevil.example'],
  ['a trebly encoded slash', '/%25252fevil.example'],
  ['an encoded backslash', '/%5cevil.example'],
  ['a doubly encoded backslash', '/%255Cevil.example'],
  ['an encoded tab', '/%09/evil.example'],
  ['an encoded newline', '/%0a/evil.example'],
  ['a doubly encoded newline', '/%250d%250aSet-Cookie:a=b'],
  ['an encoded null character', '/%00/evil.example'],
  ['a dot that leads to two slashes', '/.//evil.example'],
  ['two dots that lead to two slashes', '/a/..//evil.example'],
  ['encoded dots that lead to two slashes', '/a/%2e%2e//evil.example'],
  ['an encoded slash after a dot', '/.%2f/evil.example'],
  ['an encoded slash after two dots', '/a/..%2f%2fevil.example'],
  ['user-info', 'https://app.example@evil.example/'],
  ['scheme-relative user-info', '//app.example@evil.example/'],
  ['user-info alone', '@evil.example'],
  ['a script', 'javascript:alert(1)'],
  ['a script in mixed case', 'JaVaScRiPt:alert(1)'],
  ['a script with a tab in its scheme', 'java\tscript:alert(1)'],
  ['a script behind a space', ' javascript:alert(1)'],
  ['a data URL', 'data:text/html,<script>alert(1)</script>'],
  ['a VBScript', 'vbscript:msgbox(1)'],
  ['a file', 'file:///etc/passwd'],
  ['a blob', 'blob:https://evil.example/1'],
  ['a scheme without slashes', 'https:evil.example'],
  ['a scheme with one slash', 'https:/evil.example'],
  ['a scheme with backslashes', 'https:\\\\evil.example'],
  ['a fullwidth slash', '/\uff0fevil.example'],
  ['two fullwidth slashes', '\uff0f\uff0fevil.example'],
  ['an encoded fullwidth slash', '/%ef%bc%8fevil.example'],
  ['a fullwidth backslash', '/\uff3cevil.example'],
  ['fullwidth dots', '/a/\uff0e\uff0e//evil.example'],
  ['ideographic dots', '\u3002\u3002/evil.example'],
  ['a zero-width space', '/\u200b/evil.example'],
  ['a byte order mark', '\ufeff//evil.example'],
  ['a text direction override', '/\u202e/evil.example'],
  ['a line separator', '/\u2028/evil.example'],
  ['a host without a scheme', 'evil.example'],
  ['a relative path', 'a/b'],
  ['a relative path that goes up', '../a'],
  ['a query alone', '?a=1'],
  ['a hash alone', '#a'],
  ['an asterisk', '*'],
  ['an invalid host', '//[evil'],
  ['a very long path', `/${'a'.repeat(2048)}`],
  ['a path that is very long once encoded', `/${'ä'.repeat(1000)}`],
  ['no text', ''],
  ['nothing', undefined],
  ['null', null],
  ['a number', 1],
  ['an array', ['/a']],
  ['an array of two', ['/a', '//evil.example']],
  ['an object', { toString: () => '/a' }],
]

const LEGITIMATE = [
  '/',
  '/a',
  '/a/',
  '/a/b/c.html',
  '/a?b=1',
  '/a?b=1&c=2&b=3',
  '/a?next=/b',
  '/a?next=https%3A%2F%2Fexample.com%2F',
  '/a?next=//example.com',
  '/a#b',
  '/a?b=1#/c/d',
  '/100%25',
  '/a%20b',
  '/a%2Fb',
  '/a,b;c=1',
  "/a(b)!'*",
  '/@user/a:b',
  '/a+b?c=d+e',
  '/a//b',
  '/?a',
  '/.well-known/a',
  '/%E2%82%AC',
  '/a?text=%0A',
]

describe('returnTarget', () => {
  it.each(HOSTILE)('falls back for %s', (_name, wanted) => {
    expect(returnTarget(wanted)).toBe('/')
    expect(returnTarget(wanted, '/home')).toBe('/home')
  })

  it.each(LEGITIMATE)('keeps %s', (wanted) => {
    expect(returnTarget(wanted, '/home')).toBe(wanted)
  })

  it.each([
    ['/straße/日本?ü=é#ñ', '/stra%C3%9Fe/%E6%97%A5%E6%9C%AC?%C3%BC=%C3%A9#%C3%B1'],
    ['/a b', '/a%20b'],
    ['/a/../b', '/b'],
    ['/50%', '/50%'],
  ])('normalizes %s to %s', (wanted, target) => {
    expect(returnTarget(wanted, '/home')).toBe(target)
  })
})

describe('GET /login with return_to', () => {
  it.each(['//evil.example', '/\\evil.example', '/\t/evil.example', 'https://evil.example/', '/a/..//evil.example'])(
    'ends at / for %j',
    async (target) => {
      const visitor = new Visitor(await startWeb())

      const landed = await visitor.enter(`/auth/login?return_to=${encodeURIComponent(target)}`)

      expect([landed.status, landed.location]).toEqual([302, '/'])
    },
  )

  it.each([
    ['several targets', 'return_to=/a&return_to=/b'],
    ['no target', ''],
  ])('ends at / for %s', async (_name, query) => {
    const visitor = new Visitor(await startWeb())
    expect((await visitor.enter(`/auth/login?${query}`)).location).toBe('/')
  })

  it('ends at pages.afterLogin in place of /', async () => {
    const visitor = new Visitor(await startWeb({ options: { pages: { login: '/in', afterLogin: '/home' } } }))
    expect((await visitor.enter('/auth/login?return_to=//evil.example')).location).toBe('/home')
  })

  it('ends at a path with query and hash', async () => {
    const visitor = new Visitor(await startWeb())
    const target = '/straße?a=1,2&b=50%25#c'

    const landed = await visitor.enter(`/auth/login?return_to=${encodeURIComponent(target)}`)

    expect(landed.location).toBe('/stra%C3%9Fe?a=1,2&b=50%25#c')
  })
})
