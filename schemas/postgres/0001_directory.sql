-- What people own: projects, keys, users, and who changed what.

-- Directory changes are read by every process as "what is newer than the version I have": versions must become visible
-- in order, so writers take turns.
create sequence directory_version;

create function next_directory_version() returns trigger language plpgsql as $$
begin
  perform pg_advisory_xact_lock(1835297901);
  new.version := nextval('directory_version');
  notify directory_changed;
  return new;
end $$;

create table projects (
  id uuid primary key,
  name text not null check (name ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
  created_at timestamptz not null default now(),
  deleted_at timestamptz,
  -- One salt for all keys of a project: SCRAM tells it before it is known which key will be proved.
  scram_salt bytea not null,
  -- null: kept, or taken, without limit.
  retention_days int check (retention_days > 0),
  events_per_day bigint check (events_per_day >= 0),
  bytes_per_day bigint check (bytes_per_day >= 0),
  version bigint not null
);
create unique index projects_name on projects (name) where deleted_at is null;
create index projects_version on projects (version);
create trigger projects_version before insert or update on projects
  for each row execute function next_directory_version();

create table api_keys (
  id text primary key,
  project_id uuid not null references projects,
  name text not null,
  scopes text[] not null check (scopes <@ array['ingest', 'read', 'admin'] and cardinality(scopes) > 0),
  -- Web origins whose pages may send with it; empty: no browser may.
  allowed_origins text[] not null default '{}',
  -- Of the key itself, which is nowhere: it has 190 random bits, so a fast hash is enough.
  sha256 bytea not null unique check (octet_length(sha256) = 32),
  scram_iterations int not null,
  scram_stored_key bytea not null,
  scram_server_key bytea not null,
  created_at timestamptz not null default now(),
  revoked_at timestamptz,
  version bigint not null
);
create index api_keys_project on api_keys (project_id, created_at);
create index api_keys_version on api_keys (version);
create trigger api_keys_version before insert or update on api_keys
  for each row execute function next_directory_version();

create table users (
  id uuid primary key,
  email text not null unique check (email = lower(email)),
  name text not null default '',
  -- argon2id in PHC form; null for who signs in elsewhere only.
  password text,
  created_at timestamptz not null default now(),
  disabled_at timestamptz
);

-- Who somebody is at an OpenID provider.
create table identities (
  issuer text not null,
  subject text not null,
  user_id uuid not null references users on delete cascade,
  primary key (issuer, subject)
);

create table teams (
  id uuid primary key,
  name text not null unique,
  created_at timestamptz not null default now()
);
create table team_members (
  team_id uuid not null references teams on delete cascade,
  user_id uuid not null references users on delete cascade,
  primary key (team_id, user_id)
);

-- The role of a user, or of everybody in a team; the highest counts.
create table members (
  project_id uuid not null references projects,
  user_id uuid references users on delete cascade,
  team_id uuid references teams on delete cascade,
  role text not null check (role in ('viewer', 'editor', 'admin')),
  check (num_nonnulls(user_id, team_id) = 1)
);
create unique index members_user on members (project_id, user_id) where user_id is not null;
create unique index members_team on members (project_id, team_id) where team_id is not null;

create table invitations (
  id uuid primary key,
  project_id uuid not null references projects,
  email text not null check (email = lower(email)),
  role text not null check (role in ('viewer', 'editor', 'admin')),
  token_sha256 bytea not null unique,
  created_at timestamptz not null default now(),
  created_by text not null,
  expires_at timestamptz not null,
  accepted_at timestamptz
);

-- Browser sessions: of a user, or of an API key that was signed in with.
create table sessions (
  token_sha256 bytea primary key,
  user_id uuid references users on delete cascade,
  key_id text references api_keys,
  -- The project a user looks at.
  project_id uuid not null references projects,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  check (num_nonnulls(user_id, key_id) = 1)
);
create index sessions_expiry on sessions (expires_at);

create table settings (
  name text primary key,
  value jsonb not null
);

create table audit_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  -- key, user, local (the command line on the machine) or system.
  actor_kind text not null,
  actor_id text not null,
  actor_name text not null,
  project_id uuid,
  -- key.create, user.disable, …
  action text not null,
  subject text not null,
  before jsonb,
  after jsonb
);
create index audit_log_project on audit_log (project_id, id);

-- Answers given to requests with an Idempotency-Key, for a day.
create table idempotency_keys (
  actor text not null,
  key text not null,
  request_sha256 bytea not null,
  status int not null,
  answer jsonb,
  created_at timestamptz not null default now(),
  primary key (actor, key)
);
create index idempotency_keys_age on idempotency_keys (created_at);
