import { beforeEach, describe, expect, it } from '@jest/globals'
import type { Config } from '../../lib/options/options.ts'
import type { Login } from '../../lib/session/login.ts'
import { createSessionLists, type SessionLists } from '../../lib/session/user-list.ts'
import type { StoredSession } from '../../lib/session/session-vault.ts'
import { MemoryRecords } from '../../lib/store/memory-records.ts'

const HOUR = 3_600_000
const ada = 'auth0|ada'

describe('createSessionLists', () => {
  let now: number
  let records: MemoryRecords
  let lists: SessionLists
  /** Ids of sessions that have expired. */
  let gone: Set<string>

  const peek = async (id: string) => (gone.has(id) ? undefined : ({ id } as StoredSession))
  const lifetime = { idleTimeout: 2 * HOUR, absoluteTimeout: (2 * HOUR) / 1000 }
  const session = { maxPerUser: 3, ordinary: lifetime, remembered: lifetime } as Config['session']
  const parts = () => ({ records, peek, config: { session, backchannelLogout: false } })

  beforeEach(() => {
    now = 1_000
    records = new MemoryRecords(() => now)
    gone = new Set()
    lists = createSessionLists({ ...parts(), prefix: 'auth:tenant:' })
  })

  const loginOf = (handle: string, { sub = ada, since = now, life = HOUR } = {}): Login => ({
    ...{ sub, handle, since, until: since + life },
    ...{ user: { sub }, scope: 'openid' },
  })
  const idOf = (handle: string) => `id:of:${handle}`
  const add = (handle: string, more = {}) => lists.add(loginOf(handle, more), idOf(handle))
  const handles = async (sub = ada) => (await lists.ofUser.all(sub)).map(({ handle }) => handle).sort()

  it('maps public handles to session ids', async () => {
    expect(await add('a')).toEqual([])
    expect(await lists.ofUser.all(ada)).toEqual([{ handle: 'a', id: 'id:of:a' }])
  })

  it('is separate for each user', async () => {
    await add('a')
    await add('b', { sub: 'auth0|bob' })
    expect([await handles(), await handles('auth0|bob'), await handles('auth0|eve')]).toEqual([['a'], ['b'], []])
  })

  it('loses dropped entries', async () => {
    await add('a')
    await add('b')
    await lists.ofUser.drop(ada, ['a', 'never there'])
    expect(await handles()).toEqual(['b'])
  })

  it('returns excess sessions, oldest login first', async () => {
    await add('late', { since: 30 })
    await add('early', { since: 10.5 })
    await add('middle', { since: 20 })
    expect(await add('new', { since: 40 })).toMatchObject([{ handle: 'early', id: 'id:of:early' }])
    expect(await add('newest', { since: 50 })).toMatchObject([
      { handle: 'early', id: 'id:of:early' },
      { handle: 'middle', id: 'id:of:middle' },
    ])
  })

  it('does not count sessions that have expired, and drops them', async () => {
    for (const handle of ['first', 'second', 'third']) await add(handle, { since: ++now })
    gone.add(idOf('second'))
    expect(await add('new', { since: ++now })).toEqual([])
    expect(await handles()).toEqual(['first', 'new', 'third'])
    expect(await add('newest', { since: ++now })).toMatchObject([{ handle: 'first', id: 'id:of:first' }])
  })

  it('takes no login that began before its mark, nor in the same moment', async () => {
    now = 500
    await lists.ofUser.mark(ada)
    expect(await add('before', { since: 499.999 })).toBeUndefined()
    expect(await add('then', { since: 500 })).toBeUndefined()
    expect(await add('after', { since: 500.001 })).toEqual([])
    expect(await handles()).toEqual(['after'])
    expect(await add('other', { sub: 'auth0|bob', since: 1 })).toEqual([])
  })

  it('keeps its mark as long as any session could live, and its entries as long as theirs does', async () => {
    await lists.ofUser.mark(ada)
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
    await createSessionLists({ ...parts(), records: spying, prefix: 'auth:' }).ofUser.all(ada)
    expect(keys).toEqual([expect.stringMatching(/^auth:u:[\w-]{43}$/)])
  })
})
