/**
 * PostgreSQL refuses to run as root. Where we do, as in many a container, it runs as somebody with no rights of his own,
 * who gets the one to read through folders that only root may enter: the data folder and ours may lie in such.
 */
import { chownSync, existsSync, readFileSync, statSync } from 'node:fs'
import { OperatorError } from '../errors/errors.ts'

export interface Person {
  readonly uid: number
  /** Put before a command, runs it as this person. */
  readonly command: readonly string[]
  /** Gives a file or folder to the person. */
  own(path: string): void
}

/** Who PostgreSQL may run as, the best first. */
const NAMES = ['postgres', 'nobody']

export function ownerOf(path: string): number {
  return statSync(path).uid
}

/**
 * `null` where we are not root and there is nothing to do.
 * @param uid who owns what is there already
 * @throws OperatorError where a person cannot be found or become
 */
export function unprivileged(uid?: number): Person | null {
  if (process.getuid?.() !== 0) return null
  const people = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  const byName = (name: string) => people.find((each) => each[0] === name)
  const found =
    people.find((each) => uid !== undefined && uid !== 0 && each[2] === String(uid)) ??
    NAMES.map(byName).find((each) => each !== undefined)
  const program = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path))
  if (found === undefined || program === undefined) {
    throw new OperatorError(
      'PostgreSQL does not run as root, and there is nobody else here to run it as (setpriv of util-linux, and a user postgres or nobody): start millrace as another user, or set MILLRACE_POSTGRES_URL',
    )
  }
  const person = { uid: Number(found[2]), gid: Number(found[3]) }
  // access(2) looks at capabilities only with no_setuid_fixup, and PostgreSQL looks for itself with access(2).
  const command = [
    program,
    ...[`--reuid=${person.uid}`, `--regid=${person.gid}`, '--clear-groups'],
    ...['--securebits=+no_setuid_fixup', '--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search'],
  ]
  return { uid: person.uid, command, own: (path) => chownSync(path, person.uid, person.gid) }
}
