-- What processes that share a log share besides.

-- State of stages (pipeline/state/postgres.ts): a snapshot per partition, replaced together with its position, by the
-- newest owner of the partition only.
create table stage_state (
  stage text not null,
  topic text not null,
  partition int not null,
  position jsonb not null,
  -- Of the membership that saved it.
  generation bigint not null,
  bytes bytea not null,
  -- The topic its output went to.
  produces text not null,
  primary key (stage, topic, partition)
);

-- Processes at work, each renewed every two seconds (pipeline/runtime/workers.ts).
create table workers (
  id uuid primary key,
  -- The log it works on.
  log text not null,
  host text not null,
  pid int not null,
  roles text[] not null,
  started_at timestamptz not null default now(),
  seen_at timestamptz not null default now(),
  -- What its stages and sinks do: PartReport[] of pipeline/runtime/report.ts.
  parts jsonb not null
);
