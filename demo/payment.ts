/** Paying, and the ways it goes wrong: real errors, thrown where a shop would throw them, with their stacks. */
import { setTimeout as delay } from 'node:timers/promises'

export class PaymentDeclined extends Error {
  override readonly name = 'PaymentDeclined'
}

export class GatewayTimeout extends Error {
  override readonly name = 'GatewayTimeout'
}

interface Customer {
  readonly account?: { readonly iban: string }
}

/** @param failing whether it is to go wrong; the number decides how */
export async function pay(number: number, failing: boolean): Promise<void> {
  await delay(5 + (number % 7))
  if (!failing) return
  if (number % 6 === 0) askGateway(number)
  if (number % 6 === 1) debit({})
  if (number % 6 === 2) readReceipt('<html>502 Bad Gateway</html>')
  chargeCard(number)
}

function chargeCard(number: number): never {
  throw new PaymentDeclined(`card ending ${1000 + (number % 9000)} was declined`)
}

function debit(customer: Customer): string {
  return customer.account!.iban
}

function readReceipt(answer: string): unknown {
  return JSON.parse(answer)
}

function askGateway(number: number): never {
  throw new GatewayTimeout(`pay-gw-${number % 3}.internal did not answer within 3000 ms`)
}
