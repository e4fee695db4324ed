import assert from 'node:assert/strict'
import { hash, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { cpuMs } from '#pipeline/testing/figures.ts'
import { MAX_KEYS } from './keys.ts'
import { createSnapshotFileWriter, readSnapshotFile, type SnapshotFile, snapshotText } from './snapshot_file.ts'

const sha256 = (text: string) => hash('sha256', text, 'base64')

function contentOf(keys: number): SnapshotFile {
  const projects = [1, 2].map((version) => ({
    ...{ id: randomUUID(), name: `p${version}`, is_deleted: false, scram_salt: sha256('salt'), version },
    ...{ retention_days: null, events_per_day: 5, bytes_per_day: null },
  }))
  return {
    scram_secret: sha256('secret'),
    projects,
    keys: Array.from({ length: keys }, (_, at) => ({
      ...{ id: `key_${at}`, project_id: projects[at % 2].id, scopes: ['ingest'], allowed_origins: [] },
      ...{ is_revoked: false, sha256: sha256(`${at}`), scram_iterations: 4096, version: at + 3 },
      ...{ scram_stored_key: sha256(`a${at}`), scram_server_key: sha256(`b${at}`) },
    })),
  }
}

describe('the file of what the directory knows', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-snapshot-'))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('holds what is newest when the last change is written, whatever came meanwhile', async () => {
    const file = join(folder, 'directory.json')
    const asked: number[] = []
    let content = contentOf(0)
    const writer = createSnapshotFileWriter(
      file,
      () => {
        asked.push(content.keys.length)
        return content
      },
      assert.fail,
    )
    for (const keys of [1, 2_500, 1_001]) {
      content = contentOf(keys)
      writer.changed()
    }
    await writer.close()
    assert.deepEqual(readSnapshotFile(file), { version: 1, ...content })
    assert.deepEqual(asked, [1, 1_001])
    assert.equal(statSync(file).mode & 0o777, 0o600)
  })

  it('tells what fails, and tries again at the next change', async () => {
    const errors: Error[] = []
    const writer = createSnapshotFileWriter(
      join(folder, 'nowhere/directory.json'),
      () => contentOf(1),
      (error) => errors.push(error),
    )
    writer.changed()
    writer.changed()
    await writer.close()
    assert.equal(errors.length, 2)
  })

  it('is made in pieces that hold nobody up, with as many keys as there may be', () => {
    const text = snapshotText(contentOf(MAX_KEYS))
    const took: number[] = []
    for (let done: boolean | undefined = false; !done; ) {
      took.push(
        cpuMs(() => {
          done = text.next().done
        }),
      )
    }
    // Nine of ten: now and then the garbage of the test itself is collected meanwhile.
    const usual = took.sort((x, y) => x - y)[Math.floor(took.length * 0.9)]
    assert.ok(usual < 20, `${usual} ms`)
  })
})
