import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { codes, prose, readPage } from '../support/markdown.ts'

const TESTING = join(__dirname, '..', '..', 'lib', 'testing')

const source = [TESTING, join(TESTING, 'emulator')]
  .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
  .filter((path) => path.endsWith('.ts'))
  .map((path) => readFileSync(path, 'utf8'))
  .join('\n')

/** Public interfaces of the test helpers. */
const INTERFACES = [
  ...['TestSession', 'EmulatorOptions', 'EmulatorTenant', 'BrowserSettings', 'DatabaseSettings'],
  ...['EmulatorUser', 'EmulatorApi', 'RefreshPolicy', 'PasswordPolicy', 'EmulatorMfa', 'EmulatorMessage'],
  ...['Auth0Emulator', 'EmulatorMfaControls', 'EmulatorRefreshTokens', 'EmulatorUsers', 'Gate'],
  ...['RequestMatch', 'Fault', 'LogoutTokenChanges'],
]

function membersOf(name: string): string[] {
  const [, body = ''] = new RegExp(`^export interface ${name}\\b[^{]*\\{\\n([^]*?)^\\}`, 'm').exec(source) ?? []
  return Array.from(body.matchAll(/^ {2}(?:readonly )?(\w+)\??[:(]/gm), ([, member = '']) => member)
}

describe('docs/testing.md', () => {
  const named = new Set(codes(prose(readPage('docs/testing.md'))).flatMap((code) => code.match(/\w+/g) ?? []))

  it.each(INTERFACES)('names every member of %s', (name) => {
    const members = membersOf(name)
    expect(members).not.toEqual([])
    expect(members.filter((member) => !named.has(member))).toEqual([])
  })
})
