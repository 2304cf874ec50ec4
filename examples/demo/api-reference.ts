import { Router, static as files, type RequestHandler } from 'express'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { html } from './html.ts'

const require = createRequire(import.meta.url)
const swaggerUi = dirname(require.resolve('swagger-ui-dist/package.json'))
const document = require.resolve('express-auth0-ropg/openapi.json')

/** Interactive reference for the package's routes. */
export function apiReference(): Router {
  const router = Router()
  router.get('/openapi.json', (_req, res) => {
    res.sendFile(document)
  })
  router.use('/ui', files(swaggerUi, { index: false }))
  router.get('/', inlineStyles, (_req, res) => {
    res.send(page)
  })
  return router
}

/** Swagger UI inserts styles and icons from its script. */
const inlineStyles: RequestHandler = (_req, res, next) => {
  const policy = [
    "default-src 'none'",
    ...["script-src 'self'", "style-src 'self' 'unsafe-inline'", "img-src 'self' data:", "connect-src 'self'"],
    ...["base-uri 'none'", "frame-ancestors 'none'"],
  ].join('; ')
  res.set('Content-Security-Policy', policy)
  next()
}

const page = html`<!doctype html>
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>API reference – Orders demo</title>
      <link rel="icon" href="/assets/favicon.svg" type="image/svg+xml" />
      <link rel="stylesheet" href="/api-reference/ui/swagger-ui.css" />
      <script src="/api-reference/ui/swagger-ui-bundle.js" defer></script>
      <script src="/assets/api-reference.js" defer></script>
    </head>
    <body>
      <main id="reference">
        <p>The reference needs JavaScript. <a href="/login">Back to the demo</a></p>
      </main>
    </body>
  </html>`.markup
