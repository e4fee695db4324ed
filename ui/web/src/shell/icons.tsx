/** Line icons on a 16 px grid, drawn in the colour of the text. */

const PATHS = {
  events: 'M2 4h12M2 8h8M2 12h10',
  traces: 'M2 3.5h7M5 8h7M8 12.5h6',
  sql: 'M2.5 4.5 6 8l-3.5 3.5M8 12h5.5',
  pipeline:
    'M4.6 8c4 0 3-4.4 6.8-4.4M4.6 8c4 0 3 4.4 6.8 4.4M1.4 8a1.6 1.6 0 1 0 3.2 0 1.6 1.6 0 1 0-3.2 0M11.4 3.6a1.6 1.6 0 1 0 3.2 0 1.6 1.6 0 1 0-3.2 0M11.4 12.4a1.6 1.6 0 1 0 3.2 0 1.6 1.6 0 1 0-3.2 0',
  services: 'M2.5 2.5h4v4h-4zM9.5 2.5h4v4h-4zM2.5 9.5h4v4h-4zM9.5 9.5h4v4h-4z',
  ledger: 'M8 2.5v11M3 4.5h10M3 4.5 1.2 9h3.6zM13 4.5 11.2 9h3.6zM5.5 13.5h5',
  dead_letters: 'M2 4h12v8.5H2zM2 4.5 8 9l6-4.5M9.8 10.8l2.4-2.4',
  replay: 'M3 8a5 5 0 1 0 1.7-3.8M3 2.5v3h3M8 5.5V8l2 1.5',
  settings: 'M2 4.5h6M11 4.5h3M2 8h2M7 8h7M2 11.5h7M12 11.5h2M8 3v3M4 6.5v3M9 10v3',
  search: 'M2.5 7a4.5 4.5 0 1 0 9 0 4.5 4.5 0 1 0-9 0M10.5 10.5l3 3',
  theme: 'M8 2.5a5.5 5.5 0 1 0 0 11zM8 2.5a5.5 5.5 0 1 1 0 11',
  door: 'M6.5 2.5h-4v11h4M6 8h7.5M10.5 5l3 3-3 3',
  keys: 'M1.5 4.5h13v7h-13zM4 7h.1M6.7 7h.1M9.3 7h.1M12 7h.1M5 9.5h6',
  copy: 'M5.5 5.5h8v8h-8zM3 10.5H2.5v-8h8V3',
  columns: 'M2.5 3h11v10h-11zM6.2 3v10M9.8 3v10',
  facets: 'M2 3.5h12M2 3.5v3h8v-3M2 9.5h12M2 9.5v3h5v-3',
  close: 'M4 4l8 8M12 4l-8 8',
  play: 'M5 3.2 12.5 8 5 12.8z',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  chevron: 'M4 6.5 8 10.5l4-4',
} as const

export type IconName = keyof typeof PATHS

export function Icon(props: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[props.name]} />
    </svg>
  )
}

export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 20 20" fill="none" aria-hidden="true">
      <g stroke="currentColor" stroke-width="1.5" stroke-linecap="round">
        <circle cx="10" cy="7.6" r="4.6" />
        <path d="M10 .9v13.4M3.3 7.6h13.4M5.3 2.9l9.4 9.4M14.7 2.9l-9.4 9.4" stroke-width="1.15" />
      </g>
      <path
        d="M1 17.2c1.5-1.5 3-1.5 4.5 0s3 1.5 4.5 0 3-1.5 4.5 0 3 1.5 4.5 0"
        stroke="var(--accent)"
        stroke-width="1.7"
        stroke-linecap="round"
      />
    </svg>
  )
}
