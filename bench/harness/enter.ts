import { emailOf, PASSWORD, subOf } from '../processes/tokens.ts'
import { type Child, type Launch, startChild } from './child.ts'
import type { Contender } from './contenders.ts'
import { PATHS } from './measure.ts'
import { bytesOf, keysOf } from './redis-stats.ts'
import { forge, SessionClient } from './session-client.ts'
import { CONTENDER_CPU, type World } from './world.ts'

/** A running contender with a verified session. */
export interface Entrant {
  contender: Contender
  child: Child
  cookie: string
  /** Redis memory of one session including keys and overhead, and its keys. */
  stored: { bytes: number; keys: readonly string[] }
}

export async function enter(world: World, contender: Contender, user: number): Promise<Entrant> {
  return enterAs(await launch(world, contender), world, { contender, user })
}

export function launch({ env }: World, { file, variant }: Contender, options: Partial<Launch> = {}): Promise<Child> {
  return startChild({ file: `contenders/${file}`, args: variant, env, cpu: CONTENDER_CPU, ...options })
}

interface Who {
  contender: Contender
  user: number
}

/** Logs in to a running contender and verifies the session. */
export async function enterAs(child: Child, world: World, { contender, user }: Who): Promise<Entrant> {
  const before = new Set(await keysOf(world.redis))
  const cookie = await logIn(world, { contender, child, user })
  const entered = { contender, child, cookie, user }
  if (contender.fill !== undefined) await fillSession(entered, contender.fill)
  const added = (await keysOf(world.redis)).filter((key) => !before.has(key))
  await checkAnswers(entered)
  if (contender.scales.includes('token')) await checkToken(world, entered)
  return { contender, child, cookie, stored: { bytes: await bytesOf(world.redis, added), keys: added } }
}

interface Checked extends Who {
  child: Child
}

export async function logIn({ tenants }: World, { contender, child, user }: Checked): Promise<string> {
  const client = new SessionClient(tenants)
  if (contender.login === 'none') return client.cookie
  const response =
    contender.login === 'redirect'
      ? await client.followRedirects(`${child.url}/login`, String(user))
      : await client.postJson(child.url + PATHS.login, { email: emailOf(user), password: PASSWORD })
  if (!client.cookie) await fail(contender, response, 'the login set no cookie')
  return client.cookie
}

type Entered = Checked & { cookie: string }

async function fillSession({ contender, child, cookie }: Entered, path: string): Promise<void> {
  const response = await fetch(child.url + path, { method: 'POST', headers: { cookie } })
  if (response.status !== 200) await fail(contender, response, 'data of its own')
}

async function checkAnswers({ contender, child, cookie, user }: Entered): Promise<void> {
  const get = (headers: Record<string, string>) => fetch(child.url + PATHS.get, { headers })
  const response = await get({ cookie })
  const body = await response.clone().text()
  const { sub } = response.status === 200 ? (JSON.parse(body) as { sub: unknown }) : { sub: undefined }
  const isOpen = contender.login === 'none'
  if (response.status !== 200 || (!isOpen && sub !== subOf(user))) await fail(contender, response, 'a session')
  if (isOpen) return
  await checkRefusals({ contender, child, cookie, user }, PATHS.get)
  if (contender.login === 'password' && contender.name !== 'floor-get')
    await checkWrongPassword({ contender, child, user })
}

/** Checks that the token was issued for this user. */
async function checkToken({ stub }: World, entered: Entered): Promise<void> {
  const { contender, child, cookie, user } = entered
  const response = await fetch(child.url + PATHS.token, { headers: { cookie } })
  if (response.status !== 200) await fail(contender, response, 'a token')
  const { tail } = (await response.clone().json()) as { tail: string }
  if ((await stub.ask('ownerOf', { tail })) !== user) await fail(contender, response, "another user's token")
  await checkRefusals(entered, PATHS.token)
}

async function checkRefusals({ contender, child, cookie }: Entered, path: string): Promise<void> {
  for (const headers of [{}, { cookie: forge(cookie) }]) {
    const refused = await fetch(child.url + path, { headers })
    if (refused.status !== 401) await fail(contender, refused, Object.keys(headers).length ? 'forged' : 'no cookie')
  }
}

async function checkWrongPassword({ contender, child, user }: Checked): Promise<void> {
  const response = await fetch(child.url + PATHS.login, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: emailOf(user), password: 'wrong' }),
  })
  if (response.status !== 401) await fail(contender, response, 'a wrong password')
}

async function fail({ name }: Contender, response: Response, what: string): Promise<never> {
  throw new Error(`${name}: ${what}: ${response.status} ${(await response.text()).slice(0, 300)}`)
}
