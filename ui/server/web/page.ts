/** Serves the built page (`ui/web/dist`): read once, kept in memory as built, compressed at build time. */
import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { extname, join } from 'node:path'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { notFound } from '../api/problem.ts'
import { sendError } from '../api/register.ts'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** No inline script or style, nothing from elsewhere, no frame around us. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** For every answer of the server, the API's too. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

interface PageFile {
  readonly type: string
  /** Names with a hash in them never change their content. */
  readonly immutable: boolean
  readonly body: Buffer
  readonly brotli: Buffer | undefined
  readonly gzip: Buffer | undefined
}

/** How to get a page, for whoever looks for it in vain. */
export const PAGE_NOT_BUILT = 'The page is not built: npm ci && npm run build makes it in ui/web/dist, then restart'

export function isPageBuilt(directory: string): boolean {
  return existsSync(join(directory, 'index.html'))
}

/**
 * `GET` of any path the API does not have: a file of the build, or the page itself, whose own router reads the path.
 * @param directory where the build is; without one the page says how to make it
 */
export function pageRoute(directory: string): FastifyPluginAsync {
  const files = readFiles(directory)
  return async (server) => {
    server.get('/*', { exposeHeadRoute: true }, async (request, reply) => {
      const path = request.url.split('?')[0]
      const file = files.get(path)
      if (file !== undefined) return send(request, reply, file)
      // A missing file or route is an error; anything else is a place within the page.
      if (path.startsWith('/v1/') || path.startsWith('/assets/')) {
        return sendError(reply, notFound('route', path))
      }
      const index = files.get('/index.html')
      if (index === undefined) {
        return reply.code(503).type('text/plain').send(`${PAGE_NOT_BUILT}\n`)
      }
      return send(request, reply, index)
    })
  }
}

function send(request: FastifyRequest, reply: FastifyReply, file: PageFile): FastifyReply {
  reply
    .type(file.type)
    .header('cache-control', file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache')
    .header('vary', 'accept-encoding')
  const accepted = String(request.headers['accept-encoding'] ?? '')
  for (const [encoding, body] of [
    ['br', file.brotli],
    ['gzip', file.gzip],
  ] as const) {
    if (body !== undefined && new RegExp(`\\b${encoding}\\b(?!;q=0(?:\\.0*)?(?:,|$))`).test(accepted)) {
      return reply.header('content-encoding', encoding).send(body)
    }
  }
  return reply.send(file.body)
}

/** By path of the URL. */
function readFiles(directory: string): ReadonlyMap<string, PageFile> {
  const names = globSync('**/*', { cwd: directory }).filter((name) => statSync(join(directory, name)).isFile())
  const compressed = (name: string) => (names.includes(name) ? readFileSync(join(directory, name)) : undefined)
  return new Map(
    names
      .filter((name) => extname(name) in TYPES)
      .map((name) => [
        `/${name.replaceAll('\\', '/')}`,
        {
          type: TYPES[extname(name)],
          immutable: name.startsWith('assets'),
          body: readFileSync(join(directory, name)),
          brotli: compressed(`${name}.br`),
          gzip: compressed(`${name}.gz`),
        },
      ]),
  )
}
