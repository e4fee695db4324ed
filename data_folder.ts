/** The data folder: ours alone, of a format we know. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { OperatorError } from '#pipeline/errors/errors.ts'

const MARKER = 'millrace.json'
/** Raised when what an older millrace wrote cannot be read as it is. */
const FORMAT = 2

/**
 * Makes the folder, readable by its owner only, or checks that it is ours.
 * @throws OperatorError where it holds something else, was written by another format, or cannot be written to
 */
export function prepareDataFolder(folder: string): void {
  const marker = join(folder, MARKER)
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    // What a file system or a desktop puts into an empty folder does not make it somebody else's.
    const others = readdirSync(folder).filter((name) => !name.startsWith('.') && name !== 'lost+found')
    if (others.length === 0) writeFileSync(marker, `${JSON.stringify({ format: FORMAT })}\n`)
    else if (!others.includes(MARKER)) {
      throw new OperatorError(
        `${folder} holds other files (${others.slice(0, 3).join(', ')}): set MILLRACE_DATA_DIR to an empty folder, or one millrace made`,
      )
    }
  } catch (cause) {
    if (cause instanceof OperatorError) throw cause
    throw new OperatorError(`the data folder ${folder} cannot be used: ${(cause as Error).message}`, { cause })
  }
  const { format } = readMarker(marker)
  if (format !== FORMAT) {
    throw new OperatorError(
      `${folder} has format ${format}, this millrace writes ${FORMAT}: use the version that made it, or another folder`,
    )
  }
}

function readMarker(marker: string): { readonly format: number } {
  try {
    return z.object({ format: z.int() }).parse(JSON.parse(readFileSync(marker, 'utf8')))
  } catch (cause) {
    throw new OperatorError(`${marker} is damaged: if the folder is millrace's, write {"format": ${FORMAT}} into it`, {
      cause,
    })
  }
}
