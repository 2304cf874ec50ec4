import { expect, it } from '@jest/globals'
import { runRow } from './matrix.ts'
import { tableOf } from './table.ts'

// `npm run test:faults` runs the whole matrix.
it('with Auth0 resetting connections, every route answers in time, nothing is lost, and the app recovers', async () => {
  const row = await runRow('auth0', 'reset mid-answer')

  expect(row.broken).toEqual([])
  // Otherwise, no connection was reset.
  expect([row.cells.login.statuses, row.cells.expired.statuses]).toEqual([[503], [503]])
  expect(tableOf([row])).toMatch(/^\| Auth0: reset mid-answer \| 503, \d+ ms, \d+ ms \| 200,/m)
})
