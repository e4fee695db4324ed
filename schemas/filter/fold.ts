/**
 * Simple case folding (Unicode 15.0 §3.13, CaseFolding.txt status C and S): characters that differ in case only become
 * the same one, and the number of characters stays what it was. It is what `(?i)` means in RE2.
 */

/** Has an upper case of one character, dotless ı, whose lower case is another letter. */
const DOTLESS_I = 0x131
const DOTTED_I = 0x130
const BEYOND_ASCII = /[\u0080-\uffff]/

/** The text with every character replaced by the one that stands for all its cases. */
export function foldCase(text: string): string {
  if (!BEYOND_ASCII.test(text)) return text.toLowerCase()
  let folded = ''
  for (const character of text) folded += foldCharacter(character)
  return folded
}

function foldCharacter(character: string): string {
  const code = character.codePointAt(0)!
  if (code === DOTLESS_I || code === DOTTED_I) return character
  const upper = one(character.toUpperCase(), character)
  return one(upper.toLowerCase(), upper)
}

/** `mapped` where it is one character: the mappings to several are those of full case folding. */
function one(mapped: string, otherwise: string): string {
  return mapped.length === (mapped.codePointAt(0)! > 0xffff ? 2 : 1) ? mapped : otherwise
}
