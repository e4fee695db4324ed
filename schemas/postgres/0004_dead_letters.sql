-- The index of the dead-letter topics: what there is, by cause, and what people decided. The events themselves stay in
-- the topics. Unlike a projection it is no part of a generation: decisions are not made again by reading the log.

create table dead_letters (
  id bigint generated always as identity primary key,
  -- The record, in the topic of dead letters of `topic`; one row for each cause in it.
  log text not null,
  topic text not null,
  partition int not null,
  "offset" bigint not null,
  -- Origin and stage: after a crash a record may stand in the topic twice.
  identity text not null,
  cause text not null,
  code text not null,
  stage text not null,
  detail text not null,
  example text not null,
  version text,
  -- null: the record that could not be read does not say.
  project_id text,
  signal text not null,
  received_at timestamptz not null,
  events int not null,
  -- Which rows of the record; null: all.
  rows int[],
  services text[] not null,
  raw_partition int not null,
  raw_offset bigint not null,
  state text not null default 'open' check (state in ('open', 'requeued', 'discarded')),
  decided_at timestamptz,
  -- Decided and not yet in the log; whatever of it is there already stands at or behind this offset of the raw partition.
  pending_from bigint,
  unique (log, topic, partition, "offset", cause)
);
create index dead_letters_project on dead_letters (project_id, state, cause);
create index dead_letters_identity on dead_letters (log, topic, identity);
create index dead_letters_pending on dead_letters (id) where pending_from is not null;

-- How far each topic has been read: changed in the transaction that adds the rows.
create table dead_letter_positions (
  log text not null,
  topic text not null,
  partition int not null,
  next bigint not null,
  primary key (log, topic, partition)
);

-- Stages and sinks that somebody lets fail, and until when (pipeline/runtime/failure_rule.ts).
create table accepted_failures (
  part text primary key,
  until timestamptz not null
);
