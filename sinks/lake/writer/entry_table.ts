/**
 * The dictionary of a merged column: byte strings, equal ones kept once as long as that pays. Where most strings are
 * new (ids, free text) looking for equals costs more than it saves, and the table goes on without.
 */

/** After this many strings it is judged whether looking for equals pays. */
const TRIAL = 4096
/** Longer strings are not looked up. */
const MAX_LOOKUP_BYTES = 4096

export class EntryTable {
  #data = new Uint8Array(1 << 14)
  #size = 0
  #offsets = new Uint32Array(1 << 10)
  #entries = 0
  /** Open addressing: slot -> entry + 1, 0 = free; `null` once equals are no longer looked for. */
  #slots: Uint32Array | null = new Uint32Array(1 << 11)
  #hashes = new Uint32Array(1 << 10)
  #added = 0

  /** @returns the number of an entry that holds `source[start..end)`, which is copied */
  add(source: Uint8Array, start: number, end: number): number {
    if (this.#slots === null || end - start > MAX_LOOKUP_BYTES) return this.#append(source, start, end)
    this.#added++
    if (this.#added === TRIAL && this.#entries * 4 > TRIAL * 3) this.#slots = null
    const slots = this.#slots
    if (slots === null) return this.#append(source, start, end)
    const hash = hashOf(source, start, end)
    const mask = slots.length - 1
    let slot = hash & mask
    for (let found = slots[slot]; found !== 0; found = slots[slot]) {
      if (this.#hashes[found - 1] === hash && this.#equals(found - 1, source, start, end)) return found - 1
      slot = (slot + 1) & mask
    }
    const entry = this.#append(source, start, end)
    if (entry >= this.#hashes.length) {
      const larger = new Uint32Array(entry * 2)
      larger.set(this.#hashes)
      this.#hashes = larger
    }
    this.#hashes[entry] = hash
    slots[slot] = entry + 1
    if (this.#entries * 2 > slots.length) this.#rehash()
    return entry
  }

  finish(): { readonly data: Uint8Array; readonly offsets: Uint32Array } {
    return { data: this.#data.subarray(0, this.#size), offsets: this.#offsets.subarray(0, this.#entries + 1) }
  }

  #append(source: Uint8Array, start: number, end: number): number {
    const length = end - start
    if (this.#size + length > this.#data.length) {
      const larger = new Uint8Array(Math.max(this.#size + length, this.#data.length * 2))
      larger.set(this.#data)
      this.#data = larger
    }
    if (length > 64) this.#data.set(source.subarray(start, end), this.#size)
    else for (let at = 0; at < length; at++) this.#data[this.#size + at] = source[start + at]
    this.#size += length
    this.#entries++
    if (this.#entries >= this.#offsets.length) {
      const larger = new Uint32Array(this.#offsets.length * 2)
      larger.set(this.#offsets)
      this.#offsets = larger
    }
    this.#offsets[this.#entries] = this.#size
    return this.#entries - 1
  }

  #equals(entry: number, source: Uint8Array, start: number, end: number): boolean {
    const from = this.#offsets[entry]
    const length = end - start
    if (this.#offsets[entry + 1] - from !== length) return false
    for (let at = length - 1; at >= 0; at--) if (this.#data[from + at] !== source[start + at]) return false
    return true
  }

  /** Long entries have no slot, so entries are found in the slots, not by number. */
  #rehash(): void {
    const old = this.#slots!
    const slots = new Uint32Array(old.length * 4)
    const mask = slots.length - 1
    for (const index of old) {
      if (index === 0) continue
      let slot = this.#hashes[index - 1] & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = index
    }
    this.#slots = slots
  }
}

/** FNV-1a, mixed once more so that the low bits depend on all. */
function hashOf(source: Uint8Array, start: number, end: number): number {
  let hash = end - start
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ source[at], 0x01000193)
  return (hash ^ (hash >>> 15)) >>> 0
}
