/** What one asks of a shop's telemetry, in SQL. */

export const QUESTIONS: readonly (readonly [question: string, sql: string])[] = [
  [
    'What came in?',
    `select kind, count(*) as events, count(distinct resource___service___name) as services, min(timestamp) as first, max(timestamp) as last
from otel_logs_and_spans group by kind order by events desc`,
  ],
  [
    'How do the services do?',
    `select resource___service___name as service, count(*) as requests,
  round(approx_percentile(0.5, percentile_agg(duration)) / 1e6, 1) as p50_ms, round(approx_percentile(0.99, percentile_agg(duration)) / 1e6, 1) as p99_ms,
  sum(case when status_code = 'ERROR' then 1 else 0 end) as failed
from otel_logs_and_spans where kind = 'server' group by 1 order by requests desc`,
  ],
  [
    'Which errors are there, by fingerprint?',
    `select errors->0->>'fingerprint' as fingerprint, min(errors->0->>'type') as type, min(errors->0->>'message') as example, count(*) as times
from otel_logs_and_spans where errors is not null and kind = 'log' group by 1 order by times desc limit 10`,
  ],
  [
    'Where did the slowest order spend its time?',
    `with slowest as (select context___trace_id as trace from otel_logs_and_spans where name = 'POST /order' order by duration desc limit 1)
select resource___service___name as service, name, round(duration / 1e6, 1) as ms
from otel_logs_and_spans join slowest on context___trace_id = trace where kind <> 'log' order by timestamp, duration desc`,
  ],
  [
    'How many requests per route and status, from the metrics?',
    `select attributes->>'http.route' as route, attributes___http___response___status_code as status, max(value) as requests
from otel_metrics where metric_name = 'http.server.requests' group by 1, 2 order by 3 desc limit 6`,
  ],
]
