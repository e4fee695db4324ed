/**
 * Attribute keys by their names of today, with the older spellings that SDKs still send (OpenTelemetry semantic
 * conventions, "Migration guide" of HTTP, database, RPC, code, and `schemas/` 1.0 to 1.38). Where the table spells a key
 * differently from the conventions, theirs is listed as an older one.
 */

export interface OlderSpelling {
  readonly key: string
  /** The value as today's key has it, from a text; `null` for none. Without it the value is the same. */
  readonly convert?: (text: string) => string | null
}

export type Scope = 'attributes' | 'resource'

const older = (...keys: string[]): readonly OlderSpelling[] => keys.map((key) => ({ key }))

/** Today's key → older spellings, the most trusted first. */
export const OLDER_SPELLINGS: Readonly<Record<Scope, ReadonlyMap<string, readonly OlderSpelling[]>>> = {
  attributes: new Map<string, readonly OlderSpelling[]>([
    ['http.request.method', older('http.method')],
    ['http.response.status_code', older('http.status_code')],
    ['http.request.resend_count', older('http.resend_count', 'http.retry_count')],
    ['http.request.body.size', older('http.request_content_length')],
    ['url.full', older('http.url')],
    ['url.scheme', older('http.scheme')],
    ['url.path', [{ key: 'http.target', convert: (target) => target.split(/[?#]/, 1)[0] || null }]],
    ['url.query', [{ key: 'http.target', convert: (target) => /\?([^#]+)/.exec(target)?.[1] ?? null }]],
    ['user_agent.original', older('http.user_agent')],
    ['client.address', older('http.client_ip')],
    // A server names itself as host; a client names the server as its peer and has no host of its own.
    ['server.address', older('net.host.name', 'net.peer.name')],
    ['server.port', older('net.host.port', 'net.peer.port')],
    ['network.local.address', older('net.sock.host.addr', 'net.host.ip')],
    ['network.local.port', older('net.sock.host.port')],
    ['network.peer.address', older('net.sock.peer.addr', 'net.peer.ip')],
    ['network.peer.port', older('net.sock.peer.port')],
    ['network.protocol.name', older('net.protocol.name', 'net.app.protocol.name')],
    ['network.protocol.version', older('net.protocol.version', 'net.app.protocol.version', 'http.flavor')],
    ['network.transport', [{ key: 'net.transport', convert: (transport) => transport.replace(/^ip_/, '') }]],
    ['db.system.name', older('db.system')],
    ['db.namespace', older('db.name')],
    ['db.operation.name', older('db.operation')],
    ['db.query.text', older('db.statement')],
    [
      'db.collection.name',
      older('db.sql.table', 'db.mongodb.collection', 'db.cassandra.table', 'db.cosmosdb.container'),
    ],
    ['code.function.name', older('code.function')],
    ['code.file.path', older('code.filepath')],
    ['code.line.number', older('code.lineno')],
    ['user.id', older('enduser.id')],
    ['session.previous.id', older('session.previous_id')],
    ['messaging.operation', older('messaging.operation.type')],
    ['messaging.destination.name', older('messaging.destination')],
    ['rpc.grpc.status_code', older('rpc.response.status_code')],
  ]),
  resource: new Map<string, readonly OlderSpelling[]>([
    ['deployment.environment.name', older('deployment.environment')],
    ['cloud.availability.zone', older('cloud.availability_zone', 'cloud.zone')],
  ]),
}
