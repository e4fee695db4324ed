/** Questions to begin with: each answers something, and shows a piece of the language. */
export const EXAMPLES: readonly (readonly [question: string, sql: string])[] = [
  [
    'How many events a minute, by level?',
    `SELECT time_bucket('1 minute', timestamp) AS minute, coalesce(level, 'span') AS level, count(*) AS events
FROM otel_logs_and_spans
WHERE timestamp >= now() - INTERVAL '1 hour'
GROUP BY 1, 2
ORDER BY 1`,
  ],
  [
    'How do the services do?',
    `SELECT resource___service___name AS service, count(*) AS requests,
  round(approx_percentile(0.5, percentile_agg(duration)) / 1e6, 1) AS p50_ms,
  round(approx_percentile(0.99, percentile_agg(duration)) / 1e6, 1) AS p99_ms,
  sum(CASE WHEN status_code = 'ERROR' THEN 1 ELSE 0 END) AS failed
FROM otel_logs_and_spans
WHERE kind = 'server' AND timestamp >= now() - INTERVAL '1 hour'
GROUP BY 1
ORDER BY requests DESC`,
  ],
  [
    'Which errors are there, by fingerprint?',
    `SELECT errors->0->>'fingerprint' AS fingerprint, min(errors->0->>'type') AS type,
  min(errors->0->>'message') AS example, count(*) AS times, max(timestamp) AS last_seen
FROM otel_logs_and_spans
WHERE errors IS NOT NULL AND timestamp >= now() - INTERVAL '1 day'
GROUP BY 1
ORDER BY times DESC
LIMIT 20`,
  ],
  [
    'Which requests took longest?',
    `SELECT timestamp, resource___service___name AS service, name, round(duration / 1e6, 1) AS ms, context___trace_id AS trace
FROM otel_logs_and_spans
WHERE kind = 'server' AND timestamp >= now() - INTERVAL '1 hour'
ORDER BY duration DESC
LIMIT 20`,
  ],
  [
    'Which metrics arrive?',
    `SELECT metric_name, metric_type, metric_unit, count(*) AS points, count(DISTINCT series_id) AS series
FROM otel_metrics
WHERE timestamp >= now() - INTERVAL '1 hour'
GROUP BY 1, 2, 3
ORDER BY points DESC`,
  ],
]
