import { describeObjectStore } from '../conformance.ts'
import { createMemoryStore } from './memory_store.ts'

describeObjectStore('a store in memory', (work) => work(createMemoryStore()))
