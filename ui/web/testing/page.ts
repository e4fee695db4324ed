/** What tests of the page look at. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { SCREENSHOTS, type Visit } from './browser.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core'), 'utf8')

export const rows = (page: Page) => page.locator('.grid .row')

/** Without hiding the caret: that would be an inline style, which our policy refuses. */
export const shoot = (page: Page, name: string) => page.screenshot({ path: join(SCREENSHOTS, name), caret: 'initial' })

/** WCAG 2.2 AA, as far as a machine can tell. */
export async function violations({ page }: Pick<Visit, 'page'>): Promise<string[]> {
  await page.evaluate(axe)
  return page.evaluate(async () => {
    const runner = (
      globalThis as unknown as { axe: { run(options: unknown): Promise<{ violations: AxeViolation[] }> } }
    ).axe
    type AxeViolation = { id: string; nodes: { html: string; failureSummary?: string }[] }
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
    const { violations } = await runner.run({ runOnly: { type: 'tag', values: tags } })
    return violations.flatMap(({ id, nodes }) =>
      nodes.slice(0, 3).map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
    )
  })
}
