import { Arrival, arrivalOf, setArrival, type ArrivalParts, type SessionRequest } from './arrival.js'
import { Gates, type Answer } from './gates.js'

type Arrived = SessionRequest & { app?: App; auth?: unknown }

interface App {
  request: object
  response: Answer
  parent?: App
}

/** Puts express-session off until it is needed. */
export function putOff(req: Arrived, parts: Omit<ArrivalParts, 'gates'>): Arrival {
  const root = rootOf(req)
  const known = root && EXTENDED.get(root)
  const gates = known ?? gatesOf(root?.response ?? parts.res)
  const arrival = new Arrival({ ...parts, gates })
  setArrival(req, arrival)
  if (!known) extend(req, root, gates)
  return arrival
}

function extend(req: Arrived, root: App | undefined, gates: Gates): void {
  if (root && Object.keys(PUT_OFF).every((name) => !(name in root.request))) {
    Object.defineProperties(root.request, PUT_OFF)
    EXTENDED.set(root, gates)
    return
  }
  // Where somebody else has put something, the request itself must do.
  const { auth, ...rest } = PUT_OFF
  Object.defineProperties(req, 'auth' in req ? rest : { ...rest, auth })
}

/** Apps whose requests have the accessors. */
const EXTENDED = new WeakMap<App, Gates>()

function gatesOf(response: Answer): Gates {
  const gates = GATES.get(response) ?? new Gates(response, arrivalOf)
  GATES.set(response, gates)
  return gates
}

const GATES = new WeakMap<Answer, Gates>()

/**
 * The app whose `request` and `response` all others inherit, where Express wants them extended. Accessors on each single
 * request would cost an eighth of a whole authenticated GET.
 */
function rootOf({ app }: Arrived): App | undefined {
  let root = app
  while (root?.parent) root = root.parent
  return root
}

const PUT_OFF = {
  session: {
    configurable: true,
    enumerable: true,
    get(this: Arrived) {
      const arrival = arrivalOf(this)
      if (!arrival?.asleep) return undefined
      arrival.touch(this)
      return this.session
    },
    set(this: Arrived, value: unknown) {
      const arrival = arrivalOf(this)
      if (arrival?.asleep) arrival.wake(this)
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
      arrival?.wake(this)
      return arrival?.sessionID
    },
    set(this: Arrived, value: unknown) {
      // A session begins anew.
      arrivalOf(this)?.wake(this)
      keep(this, 'sessionID', value)
    },
  },
  sessionStore: keptAs('sessionStore'),
  auth: keptAs('auth'),
} satisfies PropertyDescriptorMap

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
