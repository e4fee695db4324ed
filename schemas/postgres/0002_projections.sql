-- What the PostgreSQL sink keeps beside its projections. The projections' tables are made from their definitions
-- (sinks/postgres/generations.ts), a set for each generation, named <projection>_g<generation>; readers use the views.

-- A generation is a set of projections' tables. Numbers are never used again: connections remember them.
create table generations (
  generation int generated always as identity primary key,
  live boolean not null default false,
  -- The tables and the views as JSON: what version made them.
  definition text not null,
  views text not null,
  created_at timestamptz not null default now()
);
create unique index generations_live on generations (live) where live;

-- How far each generation has come: changed in the transaction that changes its tables.
create table sink_positions (
  sink text not null,
  generation int not null references generations on delete cascade,
  topic text not null,
  partition int not null,
  -- The log that `reached`, an origin's offset, counts in.
  log text not null,
  reached bigint not null,
  primary key (sink, generation, topic, partition)
);

-- What people write about a service. No generation touches it.
create table service_notes (
  project_id text not null,
  service_namespace text not null default '',
  service_name text not null,
  owner text,
  description text,
  updated_at timestamptz not null default now(),
  primary key (project_id, service_namespace, service_name)
);
