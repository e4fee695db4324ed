/**
 * The first wall: one project's DuckDB. It may read that project's folder and nothing else, loads no extensions, has
 * its own share of memory and threads, and its configuration is locked before it sees a statement.
 */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { type TailScan, tailFunction } from './tail_function.ts'
import { literal } from './view.ts'

export interface InstanceOptions {
  /** The only folder whose files can be read. */
  readonly directory: string
  /** Where sorts and joins over the memory bound go; of this instance alone. */
  readonly tempDirectory: string
  readonly memoryBytes: number
  readonly tempBytes: number
  readonly threads: number
}

export interface ProjectInstance {
  connect(): Promise<DuckDBConnection>
  /** Lets the tail function give this scan until `release`. */
  addScan(scan: TailScan): { readonly number: number; release(): void }
  close(): void
}

export async function createProjectInstance(options: InstanceOptions): Promise<ProjectInstance> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(options.threads),
    memory_limit: `${Math.floor(options.memoryBytes / 2 ** 20)}MiB`,
  })
  const scans = new Map<bigint, TailScan>()
  // GLOBAL: without it some settings (TimeZone, integer_division) would hold for this one connection only.
  const setup = await instance.connect()
  setup.registerTableFunction(tailFunction(scans))
  await setup.run(`
    SET GLOBAL temp_directory = ${literal(options.tempDirectory)};
    SET GLOBAL max_temp_directory_size = '${Math.floor(options.tempBytes / 2 ** 20)}MiB';
    SET GLOBAL TimeZone = 'UTC';
    SET GLOBAL integer_division = true;
    SET GLOBAL default_null_order = 'nulls_last_on_asc_first_on_desc';
    SET GLOBAL preserve_insertion_order = false;
    SET GLOBAL parquet_metadata_cache = true;
    SET GLOBAL autoinstall_known_extensions = false;
    SET GLOBAL autoload_known_extensions = false;
    SET GLOBAL allow_community_extensions = false;
    SET GLOBAL allowed_directories = [${literal(options.directory)}];
    SET GLOBAL enable_external_access = false;
    SET GLOBAL lock_configuration = true`)
  setup.closeSync()
  let nextScan = 0
  return {
    connect: () => instance.connect(),
    addScan(scan) {
      const number = nextScan++
      scans.set(BigInt(number), scan)
      return { number, release: () => scans.delete(BigInt(number)) }
    },
    close: () => instance.closeSync(),
  }
}
