import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { prepareDataFolder } from './data_folder.ts'

const own = mkdtempSync(join(tmpdir(), 'millrace-'))
after(() => rmSync(own, { recursive: true }))
const fresh = () => mkdtempSync(join(own, 'folder-'))

describe('the data folder', () => {
  it('is made, for its owner only, and taken again', () => {
    const folder = join(fresh(), 'new', 'data')
    prepareDataFolder(folder)
    assert.equal(statSync(folder).mode & 0o777, 0o700)
    writeFileSync(join(folder, 'keys.json'), '{}')
    prepareDataFolder(folder)
  })

  for (const [fault, file, content, message] of [
    ['holds something else', 'photos.zip', 'x', /holds other files \(photos\.zip\)/],
    ['has another format', 'millrace.json', '{"format": 99}', /format 99/],
    ['has a damaged marker', 'millrace.json', '{', /millrace\.json is damaged/],
  ] as const) {
    it(`is refused where it ${fault}`, () => {
      const folder = fresh()
      writeFileSync(join(folder, file), content)
      assert.throws(() => prepareDataFolder(folder), { name: 'OperatorError', message })
    })
  }

  it('is refused where it is a file', () => {
    const file = join(fresh(), 'file')
    writeFileSync(file, '')
    assert.throws(() => prepareDataFolder(file), { name: 'OperatorError', message: /cannot be used/ })
  })
})
