import type { Answer } from './answer.js'
import { textParam } from './body.js'
import type { Endpoint } from './endpoints.js'
import { missingParameter, refusalSaying } from './refusal.js'
import type { World } from './world.js'

/** `POST /oauth/revoke`: revokes the token's family. Unknown tokens get the same response. */
export function revocationEndpoint({ client, families }: World): Endpoint {
  return {
    methods: ['POST'],
    async answer(call): Promise<Answer> {
      if (!(await client.isAuthentic(call))) throw refusalSaying(401, 'invalid_client', 'Unauthorized')
      const token = textParam(call.params, 'token')
      if (token === undefined) throw missingParameter('token')
      families.revoke(token)
      return { status: 200 }
    },
  }
}
