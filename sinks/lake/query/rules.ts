/**
 * What PostgreSQL means where DuckDB would mean something else, as a table of small rules. Each looks at one node of
 * the tree whose children are done already. Set for the whole instance instead (see `instance.ts`): `7/2` is 3, and
 * NULLs sort last ascending, first descending.
 */
import { JSON_ARROW, TEXT_ARROW } from './arrows.ts'
import {
  call,
  cast,
  isCall,
  isColumn,
  isNode,
  mapTree,
  type Tree,
  type TreeNode,
  text,
  textConstant,
} from './sql_tree.ts'
import { bucketed } from './time_bucket.ts'
import { strftimeFormat } from './to_char.ts'

export interface Rule {
  readonly name: string
  /** What stands for the node, or undefined where the rule has nothing to say. Its alias is kept. */
  readonly apply: (node: TreeNode) => TreeNode | undefined
}

/** PostgreSQL's (and TimescaleDB's) names of functions that DuckDB has under another. */
const RENAMED: ReadonlyMap<string, string> = new Map([
  ['jsonb_array_length', 'json_array_length'],
  ['jsonb_extract_path', 'json_extract_path'],
  ['jsonb_extract_path_text', 'json_extract_path_text'],
  ['json_typeof', 'json_type'],
  ['jsonb_typeof', 'json_type'],
  ['json_agg', 'json_group_array'],
  ['jsonb_agg', 'json_group_array'],
  ['json_object_agg', 'json_group_object'],
  ['jsonb_object_agg', 'json_group_object'],
  ['json_build_object', 'json_object'],
  ['jsonb_build_object', 'json_object'],
  ['to_jsonb', 'to_json'],
  ['every', 'bool_and'],
  ['clock_timestamp', 'now'],
  ['statement_timestamp', 'now'],
])

const not = (child: TreeNode): TreeNode => ({ class: 'OPERATOR', type: 'OPERATOR_NOT', children: [child] })

export const RULES: readonly Rule[] = [
  {
    // DuckDB's `~` matches the whole text; its parser has already made a function of it.
    name: '~ is a search',
    apply: (node) => (isCall(node, 'regexp_full_match') ? call('regexp_matches', ...node.children) : undefined),
  },
  {
    name: '~* and !~* ignore case',
    apply(node) {
      if (!isCall(node, '~*', '!~*')) return undefined
      const search = call('regexp_matches', ...node.children, text('i'))
      return node.function_name === '~*' ? search : not(search)
    },
  },
  {
    name: 'keys of -> and ->> are keys, whatever they look like',
    apply(node) {
      if (!isCall(node, JSON_ARROW, TEXT_ARROW)) return undefined
      const [from, key] = node.children
      const literal = isNode(key) && key.class === 'CONSTANT' ? textConstant(key) : undefined
      // DuckDB would read `$.a` and `/a` as paths.
      const path = literal === undefined ? key : text(`/${literal.replaceAll('~', '~0').replaceAll('/', '~1')}`)
      return call(node.function_name === TEXT_ARROW ? 'json_extract_string' : 'json_extract', from, path)
    },
  },
  {
    name: 'jsonb is json',
    apply(node) {
      if (node.class !== 'CAST' || !isNode(node.cast_type) || !isNode(node.cast_type.type_info)) return undefined
      return String(node.cast_type.type_info.name).toLowerCase() === 'jsonb'
        ? { ...cast(node.child, 'json'), try_cast: node.try_cast ?? false }
        : undefined
    },
  },
  {
    name: 'x = ANY(list) looks into the list',
    apply(node) {
      if (node.class !== 'SUBQUERY' || node.subquery_type !== 'ANY' || node.comparison_type !== 'COMPARE_EQUAL') return
      const list = unnested(node.subquery)
      return list === undefined ? undefined : call('list_contains', list, node.child)
    },
  },
  { name: 'time_bucket is integer arithmetic', apply: (node) => bucketed(node) },
  {
    name: 'to_char is strftime',
    apply(node) {
      if (!isCall(node, 'to_char') || node.children.length !== 2) return undefined
      const format = textConstant(node.children[1])
      return format === undefined ? undefined : call('strftime', node.children[0], text(strftimeFormat(format)))
    },
  },
  {
    // TimescaleDB: approx_percentile(0.95, percentile_agg(x)). DuckDB keeps the sketch within one function.
    name: 'approx_percentile(p, percentile_agg(x)) is approx_quantile(x, p)',
    apply(node) {
      if (!isCall(node, 'approx_percentile') || node.children.length !== 2) return undefined
      const [share, sketch] = node.children
      if (!isCall(sketch, 'percentile_agg', 'list')) return call('list_aggregate', sketch, text('quantile_cont'), share)
      return { ...sketch, function_name: 'approx_quantile', children: [sketch.children[0], share], alias: '' }
    },
  },
  {
    // What is left of it is handed on to an outer query: all values, of which approx_percentile takes the quantile.
    name: 'percentile_agg elsewhere is the list of values',
    apply: (node) => (isCall(node, 'percentile_agg') ? { ...node, function_name: 'list' } : undefined),
  },
  {
    // TimescaleDB: distinct_count(approx_count_distinct(x)) and distinct_count(hyperloglog(size, x)).
    name: 'distinct_count(sketch) is approx_count_distinct',
    apply(node) {
      if (!isCall(node, 'distinct_count')) return undefined
      const [sketch] = node.children
      if (isCall(sketch, 'approx_count_distinct')) return sketch
      if (!isCall(sketch, 'hyperloglog')) return undefined
      return { ...sketch, function_name: 'approx_count_distinct', children: [sketch.children.at(-1)!] }
    },
  },
  {
    name: 'names DuckDB has under another',
    apply(node) {
      const name = node.class === 'FUNCTION' ? RENAMED.get(String(node.function_name).toLowerCase()) : undefined
      return name === undefined ? undefined : { ...node, function_name: name }
    },
  },
  {
    name: 'functions of pg_catalog and public are found without their schema',
    apply: (node) =>
      node.function_name !== undefined && (node.schema === 'pg_catalog' || node.schema === 'public')
        ? { ...node, schema: '' }
        : undefined,
  },
]

/** The statement with every rule applied, from the innermost node out. */
export function applyRules(statement: TreeNode): TreeNode {
  return mapTree(statement, (node) => {
    let result = node
    for (const rule of RULES) {
      const changed = rule.apply(result)
      if (changed !== undefined) result = { ...changed, alias: node.alias || '' }
    }
    return result
  }) as TreeNode
}

/** The list in `(SELECT unnest(list))`, which is how the parser writes `ANY(list)`. */
function unnested(subquery: Tree): Tree | undefined {
  const select = isNode(subquery) && isNode(subquery.node) ? subquery.node : undefined
  if (select?.type !== 'SELECT_NODE' || !isNode(select.from_table) || select.from_table.type !== 'EMPTY')
    return undefined
  const items = select.select_list as Tree[]
  return items.length === 1 && isCall(items[0], 'unnest') && items[0].children.length === 1
    ? items[0].children[0]
    : undefined
}

/**
 * Comparisons of `project_id` may say the project's name: `project_id = 'default'` compares with its UUID.
 * @returns the statement with such names replaced
 */
export function resolveProjectName(statement: TreeNode, name: string, id: string): TreeNode {
  const isProject = (node: Tree) => isColumn(node) && node.column_names.at(-1)?.toLowerCase() === 'project_id'
  const replaced = (node: Tree) => (textConstant(node) === name ? text(id) : node)
  return mapTree(statement, (node) => {
    if (node.class === 'COMPARISON') {
      if (isProject(node.left)) return { ...node, right: replaced(node.right) }
      if (isProject(node.right)) return { ...node, left: replaced(node.left) }
    }
    if (node.type === 'COMPARE_IN' || node.type === 'COMPARE_NOT_IN') {
      const [what, ...among] = node.children as Tree[]
      if (isProject(what)) return { ...node, children: [what, ...among.map(replaced)] }
    }
    return node
  }) as TreeNode
}

const operatorNames = /^[^a-z_]/i

/** Names result columns as PostgreSQL does, before any rule changes what they are made of. In place. */
export function nameColumns(select: TreeNode): void {
  if (!Array.isArray(select.select_list)) return
  for (const item of select.select_list) {
    if (!isNode(item) || item.alias || item.class === 'STAR' || item.class === 'COLUMN_REF') continue
    item.alias = columnName(item)
  }
}

/** PostgreSQL's FigureColname (parse_target.c): a function's name, a cast's column or type, else `?column?`. */
function columnName(node: TreeNode): string {
  if (node.class === 'COLUMN_REF') return String((node.column_names as string[]).at(-1))
  if (node.class === 'FUNCTION' || node.class === 'WINDOW') {
    const name = String(node.function_name)
    if (name === 'count_star') return 'count'
    return operatorNames.test(name) || name === 'regexp_full_match' ? '?column?' : name
  }
  if (node.class === 'CAST' && isNode(node.child)) {
    let base: TreeNode = node.child
    while (base.class === 'CAST' && isNode(base.child)) base = base.child
    const inner = columnName(base)
    return inner === '?column?' ? typeName(node.cast_type) : inner
  }
  if (node.class === 'CASE') return 'case'
  if (node.type === 'OPERATOR_COALESCE') return 'coalesce'
  if (node.class === 'SUBQUERY' && node.subquery_type === 'EXISTS') return 'exists'
  return '?column?'
}

/** pg_type's names of types that DuckDB's parser knows by another. */
const TYPE_NAMES: ReadonlyMap<string, string> = new Map([
  ...[
    ['boolean', 'bool'],
    ['smallint', 'int2'],
    ['integer', 'int4'],
    ['bigint', 'int8'],
    ['float', 'float4'],
  ],
  ...[
    ['double', 'float8'],
    ['varchar', 'text'],
    ['decimal', 'numeric'],
    ['timestamp with time zone', 'timestamptz'],
  ],
] as [string, string][])

function typeName(type: Tree): string {
  if (!isNode(type)) return '?column?'
  const name = isNode(type.type_info) && typeof type.type_info.name === 'string' ? type.type_info.name : type.id
  const lower = String(name).toLowerCase()
  return TYPE_NAMES.get(lower) ?? lower
}
