// Imported first by every entry point, so that an old Node gets this sentence and not an error in a dependency.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major < 20 || (major === 20 && minor < 19)) {
  throw new Error(
    `express-auth0-ropg needs Node 20.19 or later, and this is Node ${process.versions.node}: update Node`,
  )
}
