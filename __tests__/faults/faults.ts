import type { Part, World } from './world.ts'

export const FAULTS = [
  'absent at boot',
  'connection refused',
  'reset mid-answer',
  'silent',
  'slow',
  'garbage',
  'killed and back',
  'frozen and back',
] as const
export type Fault = (typeof FAULTS)[number]

/** Starts a fault and resolves to a function that ends it. */
export async function begin(world: World, part: Part, fault: Fault): Promise<() => Promise<void>> {
  const proxy = world[part]
  const goOn = () => proxy.let('passes')
  switch (fault) {
    case 'absent at boot':
    case 'connection refused':
      await proxy.let('is refused')
      return goOn
    case 'reset mid-answer':
      await proxy.let('is reset mid-answer')
      return goOn
    case 'silent':
      await proxy.let('is silent')
      return goOn
    case 'slow':
      await proxy.let('is slow')
      return goOn
    case 'garbage':
      await proxy.let('is garbage')
      return goOn
    case 'killed and back':
      return part === 'redis' ? kill(world) : refuse(world)
    case 'frozen and back':
      return part === 'redis' ? freeze(world) : stand(world)
  }
}

async function kill({ server }: World) {
  await server.kill()
  return () => server.restart()
}

async function freeze({ server }: World) {
  server.pause()
  return async () => {
    server.resume()
  }
}

/** Auth0 keeps its data. Pending requests take effect before they are cut off. */
async function refuse({ auth0, emulator }: World) {
  const held = emulator.hold({ after: true })
  void held.arrived.then(async () => {
    await auth0.let('is refused')
    held.release()
  })
  return () => auth0.let('passes')
}

async function stand({ auth0 }: World) {
  await auth0.let('stands')
  return () => auth0.let('passes')
}
