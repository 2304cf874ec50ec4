import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from '@jest/globals'
import { ERRORS } from '../lib/errors.ts'
import { contradictions, openapi } from './support/openapi.ts'

const ROOT = join(__dirname, '..')

describe('openapi.json', () => {
  it('is valid OpenAPI 3.1', async () => {
    const validator = join(ROOT, 'node_modules', '@seriousme', 'openapi-schema-validator', 'bin', 'validate-api-cli.js')
    const { stdout } = await promisify(execFile)(process.execPath, [validator, join(ROOT, 'openapi.json')])
    expect(JSON.parse(stdout)).toEqual({ valid: true })
  })

  it('has no alternative without a type, which generators of types take for anything at all', () => {
    const alternatives: object[] = []
    JSON.stringify(openapi, (name, value: object[]) => {
      if (name === 'anyOf' || name === 'oneOf') alternatives.push(...value)
      return value
    })
    expect(alternatives.length).toBeGreaterThan(0)
    expect(alternatives.filter((one) => !('type' in one) && !('$ref' in one))).toEqual([])
  })

  it('is what npm run openapi writes', async () => {
    const program = `import { formatted } from './scripts/openapi/formatted.ts'
      process.stdout.write(await formatted('${openapi.info.version}'))`
    const args = ['--import', 'tsx', '--input-type=module', '--eval', program]
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT, maxBuffer: 10 ** 7 })
    expect(stdout).toBe(readFileSync(join(ROOT, 'openapi.json'), 'utf8'))
  })

  it('is of this version of the package', () => {
    const { version, exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      version: string
      exports: Record<string, unknown>
    }
    expect(openapi.info.version).toBe(version)
    expect(exports['./openapi.json']).toBe('./openapi.json')
  })

  it('has every error code, with its status, in the answers of some route', () => {
    const statuses: Record<string, Set<number>> = {}
    for (const path of Object.values(openapi.paths))
      for (const { responses } of Object.values(path))
        for (const [status, { content }] of Object.entries(responses))
          for (const [, code = ''] of JSON.stringify(content ?? '').matchAll(/schemas\/([a-z_]+)"/g))
            (statuses[code] ??= new Set()).add(Number(status))
    // Guards of the app's own routes and unsupported methods.
    const elsewhere = ['forbidden', 'insufficient_scope', 'method_not_allowed', 'reauthentication_required']
    const wanted = Object.entries(ERRORS).filter(([code]) => !elsewhere.includes(code))
    expect(statuses).toEqual(Object.fromEntries(wanted.map(([code, [status]]) => [code, new Set([status])])))
  })
})

describe('the comparison of answers', () => {
  const headers = { 'cache-control': 'no-store', 'content-type': 'application/json; charset=utf-8' }
  const refused = { success: false, error: 'unauthenticated', message: 'Please log in to continue.' }
  const answer = { method: 'GET', path: '/user', status: 401, headers, body: JSON.stringify(refused) }

  it('accepts what is described', () => {
    expect(contradictions(answer)).toEqual([])
    expect(contradictions({ ...answer, method: 'HEAD', body: '' })).toEqual([])
  })

  it.each([
    ['another status', { status: 418 }],
    ['an operation that is not there', { path: '/users' }],
    ['a header that is missing', { headers: { 'content-type': headers['content-type'] } }],
    ['a header that is not described', { headers: { ...headers, 'retry-after': '2' } }],
    ['a page in place of JSON', { headers: { ...headers, 'content-type': 'text/html' } }],
    ['a member that is not described', { body: JSON.stringify({ ...refused, stack: 'Error' }) }],
    ['a code of another status', { body: JSON.stringify({ ...refused, error: 'forbidden' }) }],
    ['a member that is missing', { body: JSON.stringify({ success: false, error: 'unauthenticated' }) }],
  ])('notices %s', (_name, change) => {
    expect(contradictions({ ...answer, ...change })).toHaveLength(1)
  })
})
