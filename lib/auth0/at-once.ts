import { ApiError } from '../errors.js'

/**
 * Limits how many calls of a kind wait for Auth0 at once, per process. Together, the limits are lower than the number of
 * connections, so that refreshes get one even if Auth0 is slow to answer everything else.
 */
function atMost(most: number, what: string) {
  let underWay = 0
  return async <T>(call: () => Promise<T>): Promise<T> => {
    if (underWay >= most) throw new ApiError({ detail: tooMany(most, what) })
    underWay += 1
    try {
      return await call()
    } finally {
      underWay -= 1
    }
  }
}

const tooMany = (most: number, what: string) =>
  `auth_unavailable: ${String(most)} ${what} are waiting for Auth0 in this process`

/** Password grants, second factors, and callbacks. */
export const amongLogins = atMost(64, 'logins')

/** Anyone can make these, so they cannot take the place of logins. */
export const amongAccounts = atMost(16, 'signups and password resets')
