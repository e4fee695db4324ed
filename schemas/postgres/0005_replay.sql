-- A generation is what the sinks store, made from the raw topic by one version of the stages: a lake and a set of the
-- projections' tables. One is live; a replay fills another beside it. Rows stay when their storage is gone.
alter table generations
  add column state text not null default 'running' check (state in (
    -- Being filled; keeps up with what comes.
    'running', 'caught_up',
    -- Asked for; done by the process that writes the sinks.
    'flipping', 'discarding',
    'live', 'retired', 'discarded', 'failed')),
  -- Why it failed, or why what was asked for could not be done.
  add column reason text,
  -- Where its lake and its tables are: under its own number where null, else they are those of an earlier generation.
  -- The lake of number 1 is the lake's folder itself.
  add column lake int,
  add column projections int,
  -- What the replay was asked to begin with, and what that is by partition: the first offset of the raw topic.
  add column begin_with jsonb,
  add column begin_offsets jsonb,
  -- Of one that carries older rows over: the origins up to which the live one had stored what was decided about them.
  add column carried_to jsonb,
  -- The stages and their settings, hashed: what made it.
  add column stages text,
  add column progress jsonb,
  add column comparison jsonb,
  -- When a comparison was asked for that has not been made yet.
  add column compare_asked_at timestamptz,
  -- Of its lake; counted now and then.
  add column size_bytes bigint,
  -- When it became live, and when another did.
  add column live_at timestamptz,
  add column retired_at timestamptz;

update generations set state = case when live then 'live' else 'retired' end, lake = 1;

drop index generations_live;
alter table generations drop column live;
alter table generations add column live boolean generated always as (state = 'live') stored;
create unique index generations_live on generations (live) where live;

create function tell_generations_changed() returns trigger language plpgsql as $$
begin
  notify generations_changed;
  return null;
end $$;
create trigger generations_changed after insert or update of state, compare_asked_at on generations
  for each statement execute function tell_generations_changed();
