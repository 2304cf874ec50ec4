// Every entry point imports this first, so an old Node reports this and not an error in a dependency.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major < 20 || (major === 20 && minor < 19)) {
  throw new Error(
    `express-auth0-ropg requires Node 20.19 or later, but this is Node ${process.versions.node}: upgrade Node`,
  )
}
