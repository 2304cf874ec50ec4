import { IncomingMessage, ServerResponse } from 'node:http'
import { Arrival, arrivalOf, setArrival, type ArrivalParts, type SessionRequest } from './arrival.js'
import { Gates, type Answer } from './gates.js'

type Arrived = SessionRequest & { auth?: unknown }

/** Puts express-session off until it is needed. */
export function putOff(parts: Omit<ArrivalParts, 'gates'>): Arrival {
  const { req, res } = parts
  const proto = Object.getPrototypeOf(req) as object
  const known = EXTENDED.get(proto)
  const gates = known ?? gatesOf((baseOf(res, ServerResponse.prototype) ?? res) as Answer)
  const arrival = new Arrival({ ...parts, gates })
  setArrival(req, arrival)
  if (!known) extend(req, proto, gates)
  return arrival
}

/** Prototypes whose requests have the accessors. */
const EXTENDED = new WeakMap<object, Gates>()

/** Objects on which the accessors are. */
const BASES = new WeakSet()

/** Accessors on each single request would cost an eighth of a whole authenticated GET. */
function extend(req: Arrived, proto: object, gates: Gates): void {
  const base = baseOf(req, IncomingMessage.prototype)
  if (base && !BASES.has(base) && NAMES.every((name) => !(name in base))) {
    Object.defineProperties(base, PUT_OFF)
    BASES.add(base)
  }
  if (base && BASES.has(base) && !isShadowed(proto, base)) {
    EXTENDED.set(proto, gates)
    return
  }
  // Where somebody else has put something, the request itself must do.
  const { auth, ...rest } = PUT_OFF
  Object.defineProperties(req, 'auth' in req ? rest : { ...rest, auth })
}

/** `express.request` or `express.response`: what those of all apps inherit, also of apps that are called and not mounted. */
function baseOf(object: object, top: object): object | undefined {
  let base: object | undefined
  let at = Object.getPrototypeOf(object) as object | null
  while (at && at !== top) {
    base = at
    at = Object.getPrototypeOf(at) as object | null
  }
  return at ? base : undefined
}

function isShadowed(proto: object, base: object): boolean {
  for (let at = proto; at !== base; at = Object.getPrototypeOf(at) as object)
    if (NAMES.some((name) => Object.hasOwn(at, name))) return true
  return false
}

function gatesOf(response: Answer): Gates {
  const gates = GATES.get(response) ?? new Gates(response, arrivalOf)
  GATES.set(response, gates)
  return gates
}

const GATES = new WeakMap<Answer, Gates>()

const PUT_OFF = {
  session: {
    configurable: true,
    enumerable: true,
    get(this: Arrived) {
      const arrival = arrivalOf(this)
      if (!arrival?.asleep) return undefined
      arrival.touch()
      return this.session
    },
    set(this: Arrived, value: unknown) {
      const arrival = arrivalOf(this)
      if (arrival?.asleep) arrival.wake()
      // express-session deletes it: it must be an ordinary property of this request.
      own(this, 'session', value)
    },
  },
  sessionID: {
    configurable: true,
    enumerable: true,
    get(this: Arrived) {
      const arrival = arrivalOf(this)
      if (arrival?.found.data && !arrival.awake) return arrival.found.id
      arrival?.wake()
      return arrival?.sessionID
    },
    set(this: Arrived, value: unknown) {
      // A session begins anew.
      arrivalOf(this)?.wake()
      keep(this, 'sessionID', value)
    },
  },
  sessionStore: keptAs('sessionStore'),
  auth: keptAs('auth'),
} satisfies PropertyDescriptorMap

const NAMES = Object.keys(PUT_OFF)

type Kept = 'auth' | 'sessionID' | 'sessionStore'

/** A property of requests whose value stands in their arrival. */
function keptAs(name: Kept): PropertyDescriptor & ThisType<Arrived> {
  return {
    configurable: true,
    enumerable: true,
    get() {
      return arrivalOf(this)?.[name]
    },
    set(value: unknown) {
      keep(this, name, value)
    },
  }
}

function keep(req: Arrived, name: Kept, value: unknown): void {
  const arrival = arrivalOf(req)
  if (arrival) arrival[name] = value
  else own(req, name, value)
}

/** From now on an ordinary property of this request. */
function own(req: object, name: string, value: unknown): void {
  Object.defineProperty(req, name, { value, writable: true, configurable: true, enumerable: true })
}
