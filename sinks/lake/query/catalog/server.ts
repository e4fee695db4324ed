/** What we say of ourselves where PostgreSQL's clients ask: in the catalog, at the start of a session, to SHOW. */

export const DATABASE = 'millrace'
/** The PostgreSQL whose catalog this is. A psql that is older than the server warns, so it is none of the newest. */
export const SERVER_VERSION = '15.0'

/** What PostgreSQL's settings are at the start of a session; pgwire's own answer to SHOW begins with them, too. */
export const SETTINGS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ...{ application_name: '', bytea_output: 'hex', client_encoding: 'UTF8', client_min_messages: 'notice' },
    ...{ DateStyle: 'ISO, MDY', default_transaction_isolation: 'read committed', default_transaction_read_only: 'on' },
    ...{ extra_float_digits: '1', in_hot_standby: 'off', integer_datetimes: 'on', IntervalStyle: 'postgres' },
    ...{ is_superuser: 'off', lc_collate: 'C.UTF-8', lc_ctype: 'C.UTF-8', max_identifier_length: '63' },
    ...{ max_index_keys: '32', search_path: 'public', server_encoding: 'UTF8', server_version: SERVER_VERSION },
    ...{ server_version_num: '150000', standard_conforming_strings: 'on', statement_timeout: '0', TimeZone: 'UTC' },
    ...{ transaction_isolation: 'read committed', transaction_read_only: 'on' },
  }),
)
