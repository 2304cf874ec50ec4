import type { Answer } from './answer.js'
import type { Endpoint } from './endpoints.js'
import { userClaims } from './user-claims.js'
import type { World } from './world.js'

const REFUSED: Answer = {
  status: 401,
  body: 'Unauthorized',
  headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
}

/** `/userinfo`: accepts access tokens with the `openid` scope. */
export function userinfoEndpoint({ minter, users }: World): Endpoint {
  return {
    methods: ['GET', 'POST'],
    answer({ headers }) {
      const access = minter.accessOf(/^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1] ?? '')
      const user = access && users.findBySub(access.sub)
      return user ? { status: 200, body: { ...userClaims(user, access.scope), sub: user.sub } } : REFUSED
    },
  }
}
