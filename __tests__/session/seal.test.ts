import { describe, expect, it } from '@jest/globals'
import { createSeal } from '../../lib/session/seal.ts'

const current = 'the current secret, for tests only'
const previous = 'the previous secret, for tests only'
const text = '{"accessToken":"ey.ä.😀"}'

describe('createSeal', () => {
  const seal = createSeal([current])

  it.each(['', 'a', text, 'x'.repeat(100_000)])('opens what it sealed (%#)', (plain) => {
    expect(seal.open(seal.close(plain, 'here'), 'here')).toBe(plain)
  })

  it('reveals nothing of the plaintext', () => {
    expect(seal.close(text, 'here').toString('latin1')).not.toContain('accessToken')
  })

  it('never seals the same text to the same output', () => {
    const sealed = Array.from({ length: 100 }, () => seal.close(text, 'here').toString('hex'))
    expect(new Set(sealed).size).toBe(100)
  })

  it('does not open in another context', () => {
    const sealed = seal.close(text, 'tenant:t:session-1#1')
    expect(seal.open(sealed, 'tenant:t:session-2#1')).toBeUndefined()
    expect(seal.open(sealed, 'tenant:t:session-1#2')).toBeUndefined()
    expect(seal.open(sealed, '')).toBeUndefined()
  })

  it('does not open with any single byte changed', () => {
    const bytes = seal.close(text, 'here')
    const opened = [...bytes.keys()].map((index) => {
      const changed = Buffer.from(bytes)
      changed.writeUInt8((bytes[index] ?? 0) ^ 1, index)
      return seal.open(changed, 'here')
    })
    expect(opened).toEqual(Array.from(bytes, () => undefined))
  })

  it('does not open if truncated anywhere', () => {
    const bytes = seal.close(text, 'here')
    const opened = [...bytes.keys()].map((length) => seal.open(bytes.subarray(0, length), 'here'))
    expect(opened).toEqual(Array.from(bytes, () => undefined))
  })

  it.each(['', 'x', '....', '{"json":true}', 'AAAA', '\0'.repeat(64), 'A'.repeat(10_000)])(
    'does not open %j',
    (garbage) => {
      expect(seal.open(Buffer.from(garbage), 'here')).toBeUndefined()
    },
  )

  it('opens what an older secret sealed and seals with the first', () => {
    const before = createSeal([previous])
    const rotated = createSeal([current, previous])
    expect(rotated.open(before.close(text, 'here'), 'here')).toBe(text)
    expect(seal.open(rotated.close(text, 'here'), 'here')).toBe(text)
    expect(before.open(rotated.close(text, 'here'), 'here')).toBeUndefined()
  })

  it('does not open what an unknown secret sealed', () => {
    expect(seal.open(createSeal([previous]).close(text, 'here'), 'here')).toBeUndefined()
  })

  it('throws without a secret', () => {
    expect(() => createSeal([])).toThrow(new TypeError('a seal needs a secret'))
  })

  describe('blind', () => {
    it('gives the same name the same short hash without revealing the name', () => {
      const blinded = seal.blind('ada@example.com')
      expect(blinded).toMatch(/^[\w-]{22}$/)
      expect(createSeal([current]).blind('ada@example.com')).toBe(blinded)
    })

    it('depends on the name and on the first secret', () => {
      const blinded = seal.blind('ada@example.com')
      expect(seal.blind('bob@example.com')).not.toBe(blinded)
      expect(createSeal([previous, current]).blind('ada@example.com')).not.toBe(blinded)
      expect(createSeal([current, previous]).blind('ada@example.com')).toBe(blinded)
    })
  })
})
