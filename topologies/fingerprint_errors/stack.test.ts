import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { cpuMs } from '#pipeline/testing/figures.ts'
import { topFrames } from './stack.ts'

describe('the top frames of a stack', () => {
  it('of JavaScript', () => {
    const stack = `TypeError: x is not a function
    at Cart.add (/srv/app/dist/cart.js:10:15)
    at async /srv/app/dist/routes/index.js:99:3
    at file:///srv/app/main.mjs:1:1
    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)`
    assert.deepEqual(topFrames(stack), [
      'Cart.add (cart.js)',
      'async index.js',
      'main.mjs',
      'process.processTicksAndRejections (task_queues)',
    ])
  })

  it('of Java', () => {
    const stack = `java.lang.IllegalStateException: no stock
\tat com.shop.Cart.add(Cart.java:42)
\tat com.shop.Cart$$Lambda$14/0x0000000800066840.run(Unknown Source)
\tat java.base/java.lang.Thread.run(Thread.java:829)
Caused by: java.io.IOException`
    assert.deepEqual(topFrames(stack), [
      'com.shop.Cart.add(Cart.java)',
      '.run(Unknown Source)',
      'java.lang.Thread.run(Thread.java)',
    ])
  })

  it('of Python, where the last call comes last', () => {
    const stack = `Traceback (most recent call last):
  File "/srv/app/main.py", line 10, in <module>
    run()
  File "/srv/app/shop/cart.py", line 7, in add
    raise KeyError("x")
KeyError: 'x'`
    assert.deepEqual(topFrames(stack), ['add cart.py', '<module> main.py'])
  })

  it('of Go', () => {
    const stack = `goroutine 7 [running]:
main.(*Cart).Add(0xc000012345, 0x1)
\t/srv/app/cart.go:42 +0x1d
main.main()
\t/srv/app/main.go:7 +0x20`
    assert.deepEqual(topFrames(stack), ['main.(*Cart).Add cart.go', 'main.main main.go'])
  })

  it('of .NET, Ruby and PHP', () => {
    assert.deepEqual(topFrames('   at Shop.Cart.Add(Item item) in /src/Cart.cs:line 42'), [
      'Shop.Cart.Add(Item item) in Cart.cs',
    ])
    assert.deepEqual(topFrames("/srv/app/cart.rb:42:in `add'\n\tfrom /srv/app/main.rb:7:in 'Object#run'"), [
      'add cart.rb',
      'Object#run main.rb',
    ])
    assert.deepEqual(topFrames('#0 /srv/app/cart.php(42): Cart->add()\n#1 {main}'), ['Cart->add cart.php'])
  })

  it('are at most five, and none where there is no stack', () => {
    const stack = Array.from({ length: 9 }, (_, at) => `  at f${'abcdefghi'[at]} (/x.js:1:1)`).join('\n')
    assert.deepEqual(topFrames(stack), ['fa (x.js)', 'fb (x.js)', 'fc (x.js)', 'fd (x.js)', 'fe (x.js)'])
    assert.deepEqual(topFrames('something went wrong\nmeet me at noon'), [])
    assert.deepEqual(topFrames(''), [])
  })

  it('are found in no time even in a text made to be slow', () => {
    const took = cpuMs(() => {
      for (const line of ['at ' + '/'.repeat(100_000), 'a('.repeat(50_000), `from ${'.rb'.repeat(40_000)}`]) {
        topFrames(Array(1000).fill(line).join('\n'))
      }
    })
    assert.ok(took < 2_000, `${took} ms`)
  })
})
