/** A small shop: orders run through five services, as the scenario has it. */
import { setTimeout as delay } from 'node:timers/promises'
import { SeverityNumber } from '@opentelemetry/api-logs'
import { pay } from './payment.ts'
import { type Mood, moodAt } from './scenario.ts'
import { type Endpoint, ROOT, Service } from './service.ts'

export interface ShopOptions extends Endpoint {
  /** How long a minute of the scenario takes. */
  readonly minuteMs: number
}

export interface Shop {
  /** Takes orders until `signal` aborts. */
  open(signal: AbortSignal): Promise<void>
  readonly orders: number
  /** Sends what is left, for `timeoutMs` at most. */
  close(timeoutMs: number): Promise<void>
}

const MAX_CUSTOMERS = 24
const SLOW_QUERY_MS = 200
const PRICES = { 'db.system.name': 'postgresql', 'db.query.text': 'select sku, price from prices where sku = any($1)' }
const CARTS = { 'db.system.name': 'postgresql', 'db.query.text': 'select * from carts where user_id = $1' }

export function createShop({ minuteMs, ...endpoint }: ShopOptions): Shop {
  const start = (name: string, version: string) => new Service(name, version, endpoint)
  const [frontend, cart, catalog, payment] = ['frontend', 'cart', 'catalog', 'payment'].map((name) =>
    start(name, '1.4.0'),
  )
  let version = moodAt(0).checkoutVersion
  let checkout = start('checkout', version)
  const services = [frontend, cart, catalog, payment, checkout]
  let orders = 0

  function deploy(next: string): void {
    checkout.log(ROOT, SeverityNumber.INFO, `stopping: ${next} takes over`)
    checkout = start('checkout', next)
    checkout.log(ROOT, SeverityNumber.INFO, `checkout ${next} is ready, ${version} is gone`)
    version = next
    services.push(checkout)
  }

  async function order(number: number, mood: Mood): Promise<void> {
    const user = `u-${number % 40}`
    const till = checkout
    await frontend.serve('/order', ROOT, user, async (inside) => {
      await frontend.call('GET cart', inside, { 'server.address': 'cart' }, (remote) =>
        cart.serve('/cart', remote, user, (own) =>
          cart.call('SELECT carts', own, CARTS, () => delay(2 + (number % 5))),
        ),
      )
      await frontend.call('GET prices', inside, { 'server.address': 'catalog' }, (remote) =>
        catalog.serve('/prices', remote, user, async (own) => {
          const started = performance.now()
          await catalog.call('SELECT prices', own, PRICES, () => delay(mood.catalogMs * (1 + (number % 3) / 2)))
          const tookMs = Math.round(performance.now() - started)
          if (tookMs > SLOW_QUERY_MS) catalog.log(own, SeverityNumber.WARN, `slow query: prices took ${tookMs} ms`)
        }),
      )
      await frontend.call('POST checkout', inside, { 'server.address': 'checkout' }, (remote) =>
        till.serve('/checkout', remote, user, (own) =>
          till.call('POST payment', own, { 'server.address': 'payment' }, (last) =>
            payment.serve('/pay', last, user, () => pay(number, (number * 0.618) % 1 < mood.failingPayments)),
          ),
        ),
      )
    })
  }

  return {
    get orders() {
      return orders
    },
    async open(signal) {
      const opened = performance.now()
      const pause = (durationMs: number) => delay(durationMs, undefined, { signal }).catch(() => {})
      const customer = async (number: number): Promise<void> => {
        while (!signal.aborted) {
          const mood = moodAt((performance.now() - opened) / minuteMs)
          if (mood.checkoutVersion !== version) deploy(mood.checkoutVersion)
          if (number < mood.customers) await order(++orders, mood).catch(() => {})
          await pause(number < mood.customers ? mood.pauseMs : 100)
        }
      }
      await Promise.all(Array.from({ length: MAX_CUSTOMERS }, (_, number) => customer(number)))
    },
    async close(timeoutMs) {
      const closed = Promise.all(services.map((service) => service.close()))
      await Promise.race([closed, delay(timeoutMs, undefined, { ref: false })])
    },
  }
}
