/** What other programs see in a table: pyarrow and delta-rs, from PyPI. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { pythonWith } from '#pipeline/testing/python.ts'

const run = promisify(execFile)
const SCRIPT = fileURLToPath(new URL('./delta_readers.py', import.meta.url))

/** What the script prints. */
// biome-ignore lint/suspicious/noExplicitAny: JSON of a script beside this file; tests say what they expect of it
export type SeenTable = Record<string, any>

export const pythonWithReaders = () => pythonWith('pyarrow==26.0.1', 'deltalake==1.6.6')

/** @param place a folder, or `s3://bucket/prefix` with what delta-rs calls storage options */
export async function readTable(
  python: string,
  place: string,
  storageOptions?: Readonly<Record<string, string>>,
): Promise<SeenTable> {
  const options = storageOptions === undefined ? [] : [JSON.stringify(storageOptions)]
  const { stdout } = await run(python, [SCRIPT, place, ...options], { maxBuffer: 2 ** 26 })
  return JSON.parse(stdout)
}
