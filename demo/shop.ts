/** A small shop: orders run through five services; some are slow, some fail. */
import { setTimeout as delay } from 'node:timers/promises'
import { type Endpoint, ROOT, Service } from './service.ts'

export class PaymentDeclined extends Error {
  override readonly name = 'PaymentDeclined'
}

export interface Shop {
  /** Takes orders until `signal` aborts. */
  open(signal: AbortSignal): Promise<void>
  readonly orders: number
  /** Sends what is left. */
  close(): Promise<void>
}

const CONCURRENT = 8

export function createShop(endpoint: Endpoint): Shop {
  const [frontend, cart, catalog, checkout, payment] = ['frontend', 'cart', 'catalog', 'checkout', 'payment'].map(
    (name) => new Service(name, '1.4.0', endpoint),
  )
  const services = [frontend, cart, catalog, checkout, payment]
  let orders = 0

  async function order(number: number): Promise<void> {
    const user = `u-${number % 40}`
    await frontend.serve('/order', ROOT, user, async (inside) => {
      await frontend.call('GET cart', inside, { 'server.address': 'cart' }, (remote) =>
        cart.serve('/cart', remote, user, (own) =>
          cart.call(
            'SELECT carts',
            own,
            { 'db.system.name': 'postgresql', 'db.query.text': 'select * from carts where user_id = $1' },
            () => delay(2 + (number % 5)),
          ),
        ),
      )
      await frontend.call('GET prices', inside, { 'server.address': 'catalog' }, (remote) =>
        catalog.serve('/prices', remote, user, () => delay(number % 25 === 0 ? 120 : 3)),
      )
      await frontend.call('POST checkout', inside, { 'server.address': 'checkout' }, (remote) =>
        checkout.serve('/checkout', remote, user, (own) =>
          checkout.call('POST payment', own, { 'server.address': 'payment' }, (last) =>
            payment.serve('/pay', last, user, () => pay(number)),
          ),
        ),
      )
    })
  }

  async function pay(number: number): Promise<void> {
    await delay(5 + (number % 7))
    if (number % 17 === 0) throw new PaymentDeclined(`card ending ${1000 + (number % 9000)} was declined`)
    if (number % 41 === 0) throw new TypeError("Cannot read properties of undefined (reading 'iban')")
  }

  return {
    get orders() {
      return orders
    },
    async open(signal) {
      const clerk = async (): Promise<void> => {
        while (!signal.aborted) await order(++orders).catch(() => {})
      }
      await Promise.all(Array.from({ length: CONCURRENT }, clerk))
    },
    async close() {
      await Promise.all(services.map((service) => service.close()))
    },
  }
}
