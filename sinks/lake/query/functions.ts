/**
 * The functions a statement may name. Absent on purpose: whatever reads files or settings, tells of the server or of
 * other statements, sleeps, writes, runs SQL from text, or makes one huge value of small ones (`repeat`, `lpad`,
 * `format`, `range` as a scalar): memory limits see such a value too late.
 */
const words = (text: string): string[] => text.trim().split(/\s+/)

const OPERATORS = words('+ - * / // % ^ ** & | # << >> || @ @> <@ && ^@ ->> ~> ~>> ~~ !~~ ~~* !~~* ~~~ ~ ~* !~ !~*')

const TEXT = words(`
  ascii bit_length char_length character_length chr concat concat_ws contains ends_with ilike_escape initcap instr lcase
  left length like_escape lower ltrim md5 not_ilike_escape not_like_escape octet_length ord position prefix
  regexp_escape regexp_extract regexp_extract_all regexp_full_match regexp_matches regexp_replace
  regexp_split_to_array replace reverse right rtrim sha1 sha256 split split_part starts_with str_split string_split
  string_split_regex string_to_array strip_accents strlen strpos substr substring suffix translate trim ucase unicode
  upper url_decode url_encode to_base64 from_base64 base64 hex unhex to_hex from_hex encode decode
  levenshtein jaccard jaro_similarity jaro_winkler_similarity damerau_levenshtein hamming parse_filename parse_path
  parse_dirname parse_dirpath format_bytes pg_size_pretty hash`)

const NUMBERS = words(`
  abs acos asin atan atan2 bit_count cbrt ceil ceiling cos cot degrees divide even exp factorial fdiv floor fmod gcd
  greatest isfinite isinf isnan lcm least ln log log10 log2 mod multiply nextafter pi pow power radians random round
  round_even sign signbit sin sqrt subtract add tan trunc xor width_bucket`)

const TIME = words(`
  age century current_date current_localtime current_localtimestamp current_time current_timestamp date_add date_diff
  date_part date_sub date_trunc datediff datepart datesub datetrunc day dayname dayofmonth dayofweek dayofyear decade
  epoch epoch_ms epoch_ns epoch_us extract get_current_timestamp hour isodow isoyear julian last_day make_date make_time
  make_timestamp make_timestamptz microsecond millisecond minute month monthname now quarter second statement_timestamp
  strftime strptime try_strptime time_bucket timezone to_days to_hours to_microseconds to_milliseconds to_minutes
  to_months to_seconds to_timestamp to_weeks to_years to_char today transaction_timestamp clock_timestamp week weekday
  weekofyear year yearweek`)

const JSON_AND_LISTS = words(`
  json json_array json_array_length json_contains json_exists json_extract json_extract_path json_extract_path_text
  json_extract_string json_group_array json_group_object json_keys json_object json_quote json_type json_valid
  json_value jsonb_array_length jsonb_extract_path jsonb_extract_path_text jsonb_typeof json_typeof json_agg jsonb_agg
  json_object_agg jsonb_object_agg jsonb_build_object json_build_object to_json to_jsonb row_to_json array_to_json
  array_append array_cat array_concat array_contains array_distinct array_extract array_has array_has_all array_has_any
  array_length array_position array_prepend array_slice array_sort array_to_string array_unique cardinality element_at
  flatten len list_aggregate list_append list_apply list_cat list_concat list_contains list_count list_distinct
  list_element list_extract list_filter list_has list_has_all list_has_any list_intersect list_max list_min
  list_position list_prepend list_reduce list_reverse list_slice list_sort list_sum list_avg list_transform list_unique
  list_value list_where list_zip map map_contains map_entries map_extract map_extract_value map_from_entries map_keys
  map_values row struct_extract struct_extract_at struct_pack struct_insert struct_keys unnest`)

const VALUES = words('coalesce nullif ifnull if error typeof pg_typeof gen_random_uuid uuid alias constant_or_null')

const AGGREGATES = words(`
  any_value approx_count_distinct approx_quantile approx_top_k arg_max arg_max_null arg_min arg_min_null argmax argmin
  array_agg avg mean bit_and bit_or bit_xor bool_and bool_or every corr count count_if count_star countif covar_pop
  covar_samp entropy favg first fsum geometric_mean group_concat histogram kurtosis last list listagg mad max max_by
  median min min_by mode product quantile quantile_cont quantile_disc percentile_cont percentile_disc regr_avgx
  regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy reservoir_quantile sem skewness
  stddev stddev_pop stddev_samp string_agg sum var_pop var_samp variance weighted_avg
  percentile_agg approx_percentile distinct_count hyperloglog`)

const WINDOWS = words(`
  cume_dist dense_rank fill first_value lag last_value lead nth_value ntile percent_rank rank rank_dense row_number`)

export const FUNCTIONS: ReadonlySet<string> = new Set([
  ...OPERATORS,
  ...TEXT,
  ...NUMBERS,
  ...TIME,
  ...JSON_AND_LISTS,
  ...VALUES,
  ...AGGREGATES,
  ...WINDOWS,
])

/** Those that make one value of many rows. */
export const AGGREGATE_FUNCTIONS: ReadonlySet<string> = new Set([
  ...AGGREGATES,
  'json_group_array',
  ...words('json_group_object json_agg jsonb_agg json_object_agg jsonb_object_agg array_agg'),
])

/** Functions that stand in FROM; none of them reads anything but its arguments. */
export const TABLE_FUNCTIONS: ReadonlySet<string> = new Set(words('unnest generate_series range json_each json_tree'))
