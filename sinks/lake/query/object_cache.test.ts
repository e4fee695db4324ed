import assert from 'node:assert/strict'
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { TransientError } from '#pipeline/errors/errors.ts'
import { until } from '#pipeline/testing/until.ts'
import type { ObjectStore } from '#sinks/store/object_store.ts'
import { withFolder } from '#sinks/store/testing/folder.ts'
import { createMemoryStore } from '#sinks/store/testing/memory_store.ts'
import { mulberry32 } from '../testing/sample_logs.ts'
import type { CachedObject } from './cache_files.ts'
import { createObjectCache, type ObjectCache, type ObjectCacheOptions } from './object_cache.ts'

const NEVER = new AbortController().signal
const PART = 4 * 2 ** 20

/** An object of the project `p`, its bytes told by its name. */
const object = (name: string, sizeBytes: number): CachedObject => ({ key: `p/t/date=2026-11-22/${name}`, sizeBytes })
const contentOf = ({ key, sizeBytes }: CachedObject) => Buffer.alloc(sizeBytes, key)

interface Setup {
  readonly directory: string
  readonly store: ObjectStore
  readonly cache: ObjectCache
  /** Keys and starts of what was fetched since the last call. */
  fetches(): readonly string[]
  /** Fetches wait until `go`. */
  stop(): void
  go(): void
  fail(error: Error | null): void
  /** As another process does, on the same folder. */
  reopen(options?: Partial<ObjectCacheOptions>): Promise<ObjectCache>
}

const withCache = (
  options: Partial<ObjectCacheOptions>,
  objects: readonly CachedObject[],
  work: (setup: Setup) => Promise<void>,
) =>
  withFolder(async (folder) => {
    const directory = join(folder, 'cache')
    const store = createMemoryStore()
    for (const each of objects) await store.put(each.key, contentOf(each))
    const fetched: string[] = []
    let gate = Promise.resolve()
    let open = () => {}
    let failure: Error | null = null
    const watched: ObjectStore = {
      ...store,
      async get(key, range) {
        fetched.push(`${key.split('/').at(-1)}@${range!.start}`)
        await gate
        if (failure !== null) throw failure
        return store.get(key, range)
      },
    }
    const caches: ObjectCache[] = []
    const reopen: Setup['reopen'] = async (more = {}) => {
      const cache = await createObjectCache({ store: watched, directory, maxBytes: 100, ...options, ...more })
      caches.push(cache)
      return cache
    }
    try {
      await work({
        directory,
        store,
        cache: await reopen(),
        fetches: () => fetched.splice(0).sort(),
        stop() {
          gate = new Promise((resolve) => (open = resolve))
        },
        go: () => open(),
        fail(error) {
          failure = error
        },
        reopen,
      })
    } finally {
      for (const cache of caches) cache.close()
    }
  })

/** Bytes of files in the folder. */
const bytesIn = (directory: string): number =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .reduce((sum, file) => sum + (statSync(join(file.parentPath, file.name), { throwIfNoEntry: false })?.size ?? 0), 0)
const filesIn = (directory: string) =>
  readdirSync(directory, { recursive: true, withFileTypes: true }).flatMap((file) =>
    file.isDirectory() ? [] : [file.name.replace(/\.[0-9a-f]{8}$/, '')],
  )

describe('the cache of objects', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((name) => object(name, 40))
  const large = object('large', 2 * PART + 17)
  const huge = object('huge', 10 * PART)
  const empty = object('empty', 0)

  it('gives whole objects in the order asked for, below the folders of their keys, and fetches them once', () =>
    withCache({ maxBytes: 3 * PART }, [a, b, large, empty], async ({ directory, cache, fetches }) => {
      const { paths, release } = await cache.hold([large, a, empty, a], NEVER)
      assert.deepEqual(fetches(), ['a@0', `large@${PART}`, `large@${2 * PART}`, 'large@0'].sort())
      for (const [at, each] of [large, a, empty, a].entries()) {
        assert.ok(readFileSync(paths[at]).equals(contentOf(each)), each.key)
        assert.ok(paths[at].startsWith(join(directory, each.key)))
      }
      release()
      release()
      const again = await cache.hold([b, large], NEVER)
      assert.deepEqual(fetches(), ['b@0'])
      assert.equal(again.paths[1], paths[0])
      assert.equal(cache.usedBytes, 80 + large.sizeBytes)
      again.release()
    }))

  it('fetches an object once for all who want it at the same time', () =>
    withCache({}, [a], async ({ cache, fetches, stop, go }) => {
      stop()
      const holds = [1, 2, 3].map(() => cache.hold([a], NEVER))
      await until(() => cache.usedBytes === 40)
      go()
      for (const { paths, release } of await Promise.all(holds)) {
        assert.ok(readFileSync(paths[0]).equals(contentOf(a)))
        release()
      }
      assert.deepEqual(fetches(), ['a@0'])
    }))

  it('drops what was unused for longest, and nothing that is held', () =>
    withCache({}, [a, b, c], async ({ cache, directory, fetches }) => {
      const first = await cache.hold([a], NEVER)
      ;(await cache.hold([b], NEVER)).release()
      // Held, `a` stays, though `b` was used after it.
      const third = await cache.hold([c], NEVER)
      assert.deepEqual(filesIn(directory).sort(), ['a', 'c'])
      first.release()
      third.release()
      fetches()
      ;(await cache.hold([a], NEVER)).release()
      assert.deepEqual(fetches(), [])
      ;(await cache.hold([b], NEVER)).release()
      assert.deepEqual(filesIn(directory).sort(), ['a', 'b'])
    }))

  it('makes a statement wait for room that others hold, and refuses one that never fits', () =>
    withCache({}, [a, b, c], async ({ cache }) => {
      const held = await cache.hold([a, b], NEVER)
      let came = false
      const waiting = cache.hold([b, c], NEVER).then((third) => {
        came = true
        return third
      })
      // What needs no room does not wait behind it.
      ;(await cache.hold([a], NEVER)).release()
      assert.equal(came, false)
      assert.equal(cache.usedBytes, 80)
      held.release()
      ;(await waiting).release()
      await assert.rejects(cache.hold([a, b, c], NEVER), {
        name: 'QueryError',
        message:
          /3 files of 1 MiB together, and the cache holds 1 MiB: narrow it by time, or raise MILLRACE_CACHE_BYTES/,
      })
    }))

  it('lets go of a statement that gives up, waiting or fetching', () =>
    withCache({ maxBytes: 11 * PART }, [a, large, huge], async ({ cache, directory, fetches, stop, go }) => {
      const gaveUp = new AbortController()
      stop()
      const fetching = cache.hold([huge], gaveUp.signal)
      let begun = 0
      await until(() => (begun += fetches().length) === 8)
      const waiting = cache.hold([{ ...a, sizeBytes: 2 * PART }], gaveUp.signal)
      gaveUp.abort(new Error('enough'))
      await assert.rejects(fetching, /enough/)
      await assert.rejects(waiting, /enough/)
      go()
      await until(() => cache.usedBytes === 0 && bytesIn(directory) === 0)
      assert.deepEqual(fetches(), [])
      const { paths, release } = await cache.hold([large], NEVER)
      assert.ok(readFileSync(paths[0]).equals(contentOf(large)))
      release()
    }))

  it('tells where the store failed, keeps nothing of it and tries again when asked again', () =>
    withCache({ maxBytes: 3 * PART }, [a, large], async ({ cache, directory, store, fail }) => {
      fail(new TransientError('no answer'))
      const failed = await Promise.allSettled([cache.hold([large], NEVER), cache.hold([large], NEVER)])
      for (const each of failed)
        assert.match(String((each as PromiseRejectedResult).reason), /TransientError: no answer/)
      assert.deepEqual([cache.usedBytes, filesIn(directory)], [0, []])
      fail(null)
      ;(await cache.hold([large], NEVER)).release()
      for (const sizeBytes of [39, 41]) {
        await assert.rejects(cache.hold([{ ...a, sizeBytes }], NEVER), {
          name: 'TransientError',
          message: new RegExp(`/a has not the ${sizeBytes} bytes`),
        })
      }
      await store.delete([a.key])
      await assert.rejects(cache.hold([a], NEVER), { name: 'TransientError', message: /\/a is gone/ })
      await assert.rejects(cache.hold([object('../../../../etc/passwd', 1)], NEVER), /not a key/)
      assert.deepEqual(filesIn(directory), ['large'])
    }))

  it('says so where its folder cannot be written to', () =>
    withCache({}, [a], async ({ cache, directory }) => {
      writeFileSync(join(directory, 'p'), 'a file where a folder should be')
      await assert.rejects(cache.hold([a], NEVER), {
        name: 'TransientError',
        message: /cannot keep .* in the cache: E/,
      })
    }))

  it('shows no half of an object, and after a crash removes it', () =>
    withCache({ maxBytes: 3 * PART }, [large], async ({ cache, directory, stop, go, reopen }) => {
      stop()
      const holding = cache.hold([large], NEVER)
      await until(() => filesIn(directory).length === 1)
      assert.match(filesIn(directory)[0], /\.fetching$/)
      const other = await reopen()
      assert.deepEqual([other.usedBytes, filesIn(directory)], [0, []])
      go()
      await assert.rejects(holding, { name: 'TransientError' })
    }))

  it('uses after a restart what is intact, and nothing else', () =>
    withCache({ maxBytes: 4 * PART }, [a, b, c, large], async ({ cache, directory, fetches, reopen }) => {
      const { paths } = await cache.hold([a, b, c, large], NEVER)
      fetches()
      const bytes = readFileSync(paths[3])
      bytes[PART + 5] ^= 1
      writeFileSync(paths[3], bytes)
      appendFileSync(paths[1], 'more')
      writeFileSync(join(directory, 'notes.txt'), 'foreign')
      writeFileSync(`${paths[2].slice(0, -8)}00000000`, 'of the same object')
      symlinkSync('/etc', join(directory, 'p', 'link.00000000'))
      const second = await reopen()
      const again = await second.hold([a, b, c, large], NEVER)
      for (const [at, each] of [a, b, c, large].entries()) {
        assert.ok(readFileSync(again.paths[at]).equals(contentOf(each)), each.key)
      }
      const anew = fetches()
      assert.ok(!anew.includes('a@0') && anew.includes('b@0') && anew.includes(`large@${PART}`), `${anew}`)
      assert.deepEqual(filesIn(directory).sort(), ['a', 'b', 'c', 'large'])
      assert.equal(second.usedBytes, bytesIn(directory))
    }))

  it('keeps to a bound that was lowered, the oldest going first', () =>
    withCache({}, [a, b], async ({ cache, directory, reopen }) => {
      const { paths } = await cache.hold([b, a], NEVER)
      utimesSync(paths[0], 1, 1)
      const second = await reopen({ maxBytes: 50 })
      assert.deepEqual([second.usedBytes, filesIn(directory)], [40, ['a']])
    }))

  it('drops what nobody has used for a day', async () => {
    let nowMs = 0
    await withCache({ now: () => nowMs }, [a, b], async ({ cache, directory }) => {
      ;(await cache.hold([a], NEVER)).release()
      const held = await cache.hold([b], NEVER)
      nowMs = 86_400_001
      cache.dropIdle()
      assert.deepEqual(filesIn(directory), ['b'])
      held.release()
      cache.dropIdle()
      assert.ok(existsSync(held.paths[0]), 'used until now')
    })
  })

  it('keeps to its bound whatever is asked at once, and what is held is there', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const random = mulberry32(seed)
      const objects = Array.from({ length: 12 }, (_, at) => object(`o${at}`, 5 + ((at * 7) % 30)))
      await withCache({}, objects, async ({ cache, directory, fail }) => {
        const statement = async () => {
          for (let turn = 0; turn < 25; turn++) {
            fail(random() < 0.1 ? new TransientError('no answer') : null)
            const wanted = objects.filter(() => random() < 0.2).slice(0, 3)
            const held = await cache.hold(wanted, random() < 0.1 ? AbortSignal.timeout(1) : NEVER).catch((error) => {
              if (error.name !== 'TransientError' && error.name !== 'TimeoutError') throw error
              return null
            })
            assert.ok(cache.usedBytes <= 100)
            assert.ok(bytesIn(directory) <= 100, `seed ${seed}: ${bytesIn(directory)} bytes`)
            if (held === null) continue
            await new Promise((resolve) => setImmediate(resolve))
            for (const [at, each] of wanted.entries()) assert.ok(readFileSync(held.paths[at]).equals(contentOf(each)))
            held.release()
          }
        }
        await Promise.all([1, 2, 3, 4].map(statement))
        fail(null)
        // What was given up is being cleared away.
        await until(() => cache.usedBytes === bytesIn(directory))
        ;(await cache.hold(objects.slice(0, 2), NEVER)).release()
      })
    }
  })
})
