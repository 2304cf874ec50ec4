/** Preloaded into a program. Reports its port to the test and exits with the test. */
import { type AddressInfo, Server } from 'node:net'

// eslint-disable-next-line @typescript-eslint/unbound-method -- called with its server below
const { listen } = Server.prototype

Server.prototype.listen = function (this: Server, ...args: unknown[]) {
  this.once('listening', () => process.send?.((this.address() as AddressInfo).port))
  return listen.apply(this, args as never)
}

process.once('disconnect', () => process.exit())
