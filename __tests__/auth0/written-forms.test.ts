import { describe, expect, it } from '@jest/globals'
import { writtenForms } from '../../lib/auth0/written-forms.ts'

const secret = 'pass wörd+/"?'

const isFoundIn = (text: string) => writtenForms(secret).some((form) => text.includes(form))

describe('writtenForms', () => {
  it.each([
    ['plain', `password=${secret}`],
    ['escaped for JSON', JSON.stringify({ password: secret })],
    ['escaped for JSON in ASCII', '{"password":"pass w\\u00f6rd+/\\"?"}'],
    ['encoded for a URL', `?password=${encodeURIComponent(secret)}`],
    ['encoded for a URL in lower case', `?password=${encodeURIComponent(secret).toLowerCase()}`],
    ['encoded as a form', new URLSearchParams({ password: secret }).toString()],
    ['in hexadecimal', Buffer.from(`x${secret}x`).toString('hex')],
    ...['', 'a', 'ab', 'abc', 'ada:'].map((before): [string, string] => [
      `in Base64, ${before.length} bytes in`,
      Buffer.from(`${before}${secret}&more`).toString('base64'),
    ]),
    ['in base64url', Buffer.from(`client:${secret}`).toString('base64url')],
  ])('finds a secret that is %s', (_how, text) => {
    expect(isFoundIn(text)).toBe(true)
  })

  it('finds nothing in a text without it', () => {
    expect(isFoundIn('Wrong email or password. {"password":"pass word"} cGFzcw 70617373')).toBe(false)
  })

  it('ignores forms that are short enough to occur by chance', () => {
    expect(writtenForms('ab')).toEqual(['ab'])
  })
})
