/** What the Traces page shows, as the URL says it; range and filter are those of the events. */
import { createMemo } from 'solid-js'
import { param, setParams } from '../shell/router.ts'
import { areaText, parseArea } from './heat.ts'
import type { Area, Order } from './statements.ts'

const ORDERS: readonly Order[] = ['slowest', 'newest', 'failing']

export const order = createMemo<Order>(() => ORDERS.find((each) => each === param('order')) ?? 'slowest')
const areaParam = createMemo(() => param('area') ?? '')
export const area = createMemo<Area | null>(() => parseArea(areaParam()))

export const setOrder = (next: Order): void => setParams({ order: next === 'slowest' ? null : next })
export const setArea = (next: Area | null): void => setParams({ area: next === null ? null : areaText(next) })
