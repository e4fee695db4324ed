/** A real OpenID provider on loopback (`oidc-provider`), and a browser that signs in there. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider from 'oidc-provider'

const CALLBACK = 'http://localhost:8080/v1/session/oidc/callback'
export const CLIENT_ID = 'millrace'
export const CLIENT_SECRET = 'a secret of the test'

export interface Account {
  readonly email: string
  readonly email_verified: boolean
  readonly name?: string
}

export interface OpenidProvider {
  readonly issuer: string
  /** By login. */
  readonly accounts: Map<string, Account>
  /**
   * Signs in at the page an authorization request leads to, and consents.
   * @returns the address the browser is sent back to
   */
  signIn(authorization: string, login: string): Promise<URL>
  close(): Promise<void>
}

export async function createOpenidProvider(): Promise<OpenidProvider> {
  const accounts = new Map<string, Account>()
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const provider = new Provider(issuer, {
    clients: [{ client_id: CLIENT_ID, client_secret: CLIENT_SECRET, redirect_uris: [CALLBACK] }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    pkce: { required: () => true },
    async findAccount(_, id) {
      const account = accounts.get(id)
      return account && { accountId: id, claims: async () => ({ sub: id, ...account }) }
    },
  })
  server.on('request', provider.callback())
  return {
    issuer,
    accounts,
    signIn: (authorization, login) => new Browser(login).visit(authorization),
    close: () => close(server),
  }
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
}

/** Follows redirects, keeps cookies, and fills in the provider's forms. */
class Browser {
  readonly #cookies = new Map<string, string>()
  readonly #login: string
  constructor(login: string) {
    this.#login = login
  }

  async visit(address: string): Promise<URL> {
    let url = new URL(address)
    let form: URLSearchParams | null = null
    for (let step = 0; step < 20; step++) {
      if (url.href.startsWith(CALLBACK)) return url
      const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const answer: Response = await fetch(url, {
        method: form === null ? 'GET' : 'POST',
        headers: { cookie },
        body: form,
        redirect: 'manual',
      })
      for (const line of answer.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!
        this.#cookies.set(name, value)
      }
      form = null
      const location = answer.headers.get('location')
      if (location !== null) {
        url = new URL(location, url)
        continue
      }
      const page = await answer.text()
      const [, action] = /<form[^>]* action="([^"]+)"/.exec(page) ?? []
      if (action === undefined) throw new Error(`no form at ${url}: ${answer.status} ${page}`)
      url = new URL(action, url)
      const [, prompt] = /name="prompt" value="(\w+)"/.exec(page)!
      form = new URLSearchParams({ prompt, login: this.#login, password: 'any' })
    }
    throw new Error(`the provider leads nowhere: ${url}`)
  }
}
