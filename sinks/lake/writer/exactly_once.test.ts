import { test } from 'node:test'
import { createMemoryStore } from '#sinks/store/testing/memory_store.ts'
import { crashingWriter } from '../testing/crashing_writer.ts'

test('each event is stored once, whatever is lost on the way', async () => {
  for (let seed = 1; seed <= 12; seed++) await crashingWriter(createMemoryStore(), seed)
})
