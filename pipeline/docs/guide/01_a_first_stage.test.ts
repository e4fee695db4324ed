/**
 * # 1. A first stage
 *
 * A stage of one's own is called a transform. This one takes e-mail addresses out of log bodies before anything
 * downstream sees them. It is all there is to write:
 */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { defineTransform, isDictionary, mapColumn, mapEntries } from 'millrace'
import { batchOf, describeTransform, driverOf, eventsOf } from 'millrace/testing'

const ADDRESS = /[\w.+-]+@[\w-]+\.[\w.-]+/g

export const redactEmails = defineTransform({
  name: 'redact_emails',
  build: () =>
    mapColumn('body', (body) =>
      isDictionary(body) ? mapEntries(body, (text) => text.replace(ADDRESS, '[e-mail]')) : body,
    ),
})

/**
 * A batch holds its events by column, and a text column is a dictionary: a body that a thousand events share is one
 * entry, so it is searched once. `mapColumn` does nothing to batches that have no such column.
 *
 * The driver runs it as the pipeline will, by way of the real bytes of its topics:
 */
const batch = batchOf(0, {
  body: ['json', ['"hello"', '"mail ann@example.com and bob@example.org"', null, '"hello"']],
  level: ['text', ['INFO', 'WARN', 'INFO', 'INFO']],
})

it('takes addresses out, and leaves the rest alone', () => {
  assert.deepEqual(eventsOf(driverOf(redactEmails).pipe(batch)), [
    { body: '"hello"', level: 'INFO' },
    { body: '"mail [e-mail] and [e-mail]"', level: 'WARN' },
    { level: 'INFO' },
    { body: '"hello"', level: 'INFO' },
  ])
})

/** And every transform gets the conformance suite for one line: deterministic, input untouched, restart-proof. */
describeTransform(redactEmails, [batch])
