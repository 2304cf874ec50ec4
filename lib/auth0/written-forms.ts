/** Encodings in which a server may echo a secret: plain, JSON, URL, form, Base64, and hexadecimal. */
export function writtenForms(secret: string): string[] {
  const forms = [secret, secret.trim(), ...jsonForms(secret), ...urlForms(secret), ...binaryForms(secret)]
  return [...new Set(forms)].filter(Boolean)
}

function jsonForms(secret: string): string[] {
  const escaped = JSON.stringify(secret).slice(1, -1)
  const ascii = escaped.replace(/[^\0-~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return [escaped, ascii, JSON.stringify(escaped).slice(1, -1)]
}

function urlForms(secret: string): string[] {
  const form = new URLSearchParams([['', secret]]).toString().slice(1)
  const forms = [form, form.replaceAll('+', '%20'), encoded(secret)]
  return [...forms, ...forms.map((one) => one.replace(/%../g, (escape) => escape.toLowerCase()))]
}

/** Replaces lone surrogates, for which encodeURIComponent throws. */
function encoded(secret: string): string {
  return encodeURIComponent(secret.replace(/\p{Surrogate}/gu, '\ufffd'))
}

/** Shorter forms could occur in any text by chance. */
const SHORTEST = 6

function binaryForms(secret: string): string[] {
  const bytes = Buffer.from(secret)
  const hex = bytes.toString('hex')
  const base64 = [0, 1, 2].map((before) => base64Inside(bytes, before))
  const url = base64.map((one) => one.replaceAll('+', '-').replaceAll('/', '_'))
  return [hex, hex.toUpperCase(), ...base64, ...url].filter(({ length }) => length >= SHORTEST)
}

/** The Base64 characters that depend only on these bytes, for text with a prefix such as `Basic` credentials. */
function base64Inside(bytes: Buffer, before: number): string {
  const whole = Buffer.concat([Buffer.alloc(before), bytes])
  return whole.toString('base64').slice(Math.ceil((before * 8) / 6), Math.floor((whole.length * 8) / 6))
}
