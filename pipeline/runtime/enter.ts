/** How a value enters a stage, and what is added to what comes out. */
import type { Batch } from '../batch/batch.ts'
import type { Stage } from '../stage/stage.ts'
import type { Carrier } from '../stage/topic.ts'
import { deadLettersOf } from './dead_letters.ts'
import type { Entry } from './exactly_one.ts'

export function enter(stage: Stage, value: Carrier): Entry<Carrier, Carrier> {
  return { through: value, finish: (output) => finished(stage, value, output as Batch) }
}

function finished(stage: Stage, read: Carrier, output: Batch): Batch {
  const { deadLetters } = output
  return deadLetters === undefined ? output : { ...output, deadLetters: deadLettersOf(stage, read, deadLetters) }
}
