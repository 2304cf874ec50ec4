import { beforeEach, describe, expect, it } from '@jest/globals'
import type { Login } from '../../lib/session/login.ts'
import { createUserList, type UserList } from '../../lib/session/user-list.ts'
import { MemoryRecords } from '../../lib/store/memory-records.ts'

const HOUR = 3_600_000
const ada = 'auth0|ada'

describe('createUserList', () => {
  let now: number
  let records: MemoryRecords
  let list: UserList

  beforeEach(() => {
    now = 1_000
    records = new MemoryRecords(() => now)
    list = createUserList({ records, prefix: 'auth:tenant:', maxPerUser: 3, longest: 2 * HOUR })
  })

  const loginOf = (handle: string, { sub = ada, since = now, life = HOUR } = {}): Login => ({
    ...{ sub, handle, since, until: since + life },
    ...{ user: { sub }, scope: 'openid' },
  })
  const idOf = (handle: string) => `id:of:${handle}`
  const add = (handle: string, more = {}) => list.add(loginOf(handle, more), idOf(handle))
  const handles = async (sub = ada) => (await list.all(sub)).map(({ handle }) => handle).sort()

  it('maps public handles to session ids', async () => {
    expect(await add('a')).toEqual([])
    expect(await list.all(ada)).toEqual([{ handle: 'a', id: 'id:of:a' }])
  })

  it('is separate for each user', async () => {
    await add('a')
    await add('b', { sub: 'auth0|bob' })
    expect([await handles(), await handles('auth0|bob'), await handles('auth0|eve')]).toEqual([['a'], ['b'], []])
  })

  it('loses dropped entries', async () => {
    await add('a')
    await add('b')
    await list.drop(ada, [{ handle: 'a' }, { handle: 'never there' }])
    expect(await handles()).toEqual(['b'])
  })

  it('returns excess sessions, oldest login first', async () => {
    await add('late', { since: 30 })
    await add('early', { since: 10.5 })
    await add('middle', { since: 20 })
    expect(await add('new', { since: 40 })).toEqual([{ handle: 'early', id: 'id:of:early' }])
    expect(await add('newest', { since: 50 })).toEqual([
      { handle: 'early', id: 'id:of:early' },
      { handle: 'middle', id: 'id:of:middle' },
    ])
  })

  it('refuses a login that began before its mark or at the same time', async () => {
    now = 500
    await list.mark(ada)
    expect(await add('before', { since: 499.999 })).toBeUndefined()
    expect(await add('then', { since: 500 })).toBeUndefined()
    expect(await add('after', { since: 500.001 })).toEqual([])
    expect(await handles()).toEqual(['after'])
    expect(await add('other', { sub: 'auth0|bob', since: 1 })).toEqual([])
  })

  it('keeps its mark as long as any session can live, and entries as long as their session', async () => {
    await list.mark(ada)
    now += 2 * HOUR - 1
    expect(await add('before', { since: 1 })).toBeUndefined()
    await add('long', { life: 2 * HOUR })
    await add('short', { life: HOUR })
    now += 2 * HOUR - 1
    expect(await handles()).toEqual(['long', 'short'])
    now += 1
    expect(await handles()).toEqual([])
  })

  it('does not reveal its user', async () => {
    const keys: string[] = []
    const spying = new Proxy(records, {
      get: (target, name) => (key: string) => {
        keys.push(key)
        return (Reflect.get(target, name) as (key: string) => unknown).call(target, key)
      },
    })
    await createUserList({ records: spying, prefix: 'auth:', maxPerUser: 3, longest: HOUR }).all(ada)
    expect(keys).toEqual([expect.stringMatching(/^auth:u:[\w-]{43}$/)])
  })
})
