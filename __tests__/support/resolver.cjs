'use strict'

/**
 * Our imports name the published file (`./errors.js`), but Jest loads the `.ts` source.
 *
 * @param {string} request
 * @param {{ basedir: string, defaultResolver: (request: string, options: object) => string }} options
 */
module.exports = function resolve(request, options) {
  const isOurs = request.startsWith('.') && request.endsWith('.js') && !options.basedir.includes('node_modules')
  if (!isOurs) return options.defaultResolver(request, options)
  try {
    return options.defaultResolver(request.replace(/\.js$/, '.ts'), options)
  } catch {
    return options.defaultResolver(request, options)
  }
}
