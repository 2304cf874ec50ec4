/** Loaded into a program before itself: tells the test on which port it listens, and ends it with the test. */
import { type AddressInfo, Server } from 'node:net'

// eslint-disable-next-line @typescript-eslint/unbound-method -- called with its server below
const { listen } = Server.prototype

Server.prototype.listen = function (this: Server, ...args: unknown[]) {
  this.once('listening', () => process.send?.((this.address() as AddressInfo).port))
  return listen.apply(this, args as never)
}

process.once('disconnect', () => process.exit())
