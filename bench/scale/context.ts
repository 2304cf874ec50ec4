import { contenderNamed, type Contender } from '../harness/contenders.ts'
import { positive } from '../harness/flags.ts'
import type { World } from '../harness/world.ts'
import { parseArgs } from 'node:util'

export interface ScaleFlags {
  rounds: number
  seconds: number
  /** Sessions stored in the one Redis. */
  stored: readonly number[]
  /** Sessions per user. By default, the package ends the oldest above 100. */
  ofUser: readonly number[]
  /** Requests during which process memory is watched. */
  requests: number
  /** Names of parts. Empty means all. */
  only: readonly string[]
}

export interface ScaleContext {
  world: World
  flags: ScaleFlags
}

/** A section of SCALE.md. */
export interface Part {
  title: string
  text: string
}

export const OURS = contenderNamed('ours')
/** The same app with routes that call getAccessToken() and revokeAll(). */
export const OURS_CALLS: Contender = { ...OURS, file: 'ours-calls.js' }

export function readScaleFlags(): ScaleFlags {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '3' },
      stored: { type: 'string', default: '10,10000,1000000' },
      'of-user': { type: 'string', default: '1,10,100' },
      requests: { type: 'string', default: '1000000' },
      only: { type: 'string', default: '' },
    },
  })
  return {
    rounds: positive('rounds', values.rounds),
    seconds: positive('seconds', values.seconds),
    stored: numbers('stored', values.stored),
    ofUser: numbers('of-user', values['of-user']),
    requests: positive('requests', values.requests),
    only: values.only.split(',').filter(Boolean),
  }
}

function numbers(name: string, text: string): number[] {
  return text.split(',').map((part) => positive(name, part))
}

export function getRequest(path: string, cookie: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\nCookie: ${cookie}\r\n\r\n`
}
