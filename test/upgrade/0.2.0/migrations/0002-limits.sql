-- Limits: whose memory the record is, sessions of data planes, windows, accounts with their leases; what limits were when their
-- accounts were last brought in line with them; acts of operators; and what a call cost.

create table record_epoch (
  only_row boolean primary key default true check (only_row),
  version int8 not null,
  epoch text not null,
  since_ms int8 not null,
  doubled boolean not null
);

create table limit_sessions (
  session text primary key,
  version int8 not null,
  state text not null check (state in ('Open', 'Dead', 'Closed', 'Fenced')),
  secret_hash text not null,
  instance_name text not null,
  incarnation int8 not null,
  sequence int8 not null,
  digest text not null,
  heard_at_ms int8 not null,
  epoch text not null
);
create index limit_sessions_heard on limit_sessions (heard_at_ms) where state <> 'Closed';

create table limit_windows (
  rule text primary key,
  version int8 not null,
  starts_at_ms int8 not null,
  ends_at_ms int8 not null,
  accounts int8 not null
);

-- `limit_uid` and `rule` (`<limit uid>/<rule>`) are parts of the id.
create table limit_accounts (
  id text primary key,
  version int8 not null,
  limit_uid text not null,
  rule text not null,
  ends_at_ms int8,
  closed int8 not null,
  carried int8 not null,
  expired int8 not null,
  -- [[until ms, amount as text], …]
  expiring jsonb not null,
  recalled_at_ms int8 not null
);
create index limit_accounts_limit on limit_accounts (limit_uid, ends_at_ms);
create index limit_accounts_end on limit_accounts (ends_at_ms);

-- A lease changes only together with the version of its account.
create table limit_leases (
  account text not null references limit_accounts on delete cascade,
  session text not null,
  granted int8 not null,
  returned int8 not null,
  settled int8 not null,
  reserved int8 not null,
  state text not null check (state in ('Open', 'WrittenOff')),
  primary key (account, session)
);
create index limit_leases_session on limit_leases (session);

create table limit_books (
  uid text primary key,
  version int8 not null,
  body text not null
);

create table acts (
  id text primary key,
  kind text not null,
  body json not null,
  by_whom text not null,
  reason text not null,
  created_at_ms int8 not null,
  until_ms int8,
  undone_at_ms int8,
  undone_by text,
  undone_reason text
);

alter table usage
  add cost_nano_usd int8 check (cost_nano_usd between 0 and 9007199254740991),
  add held_nano_usd int8 check (held_nano_usd between 0 and 9007199254740991),
  add estimated boolean,
  add billing_reason text,
  add price text,
  add service_tier text,
  add claimed_user text,
  add run text,
  -- [[account id, amount], …]
  add charges jsonb check (jsonb_typeof(charges) = 'array'),
  add folded int8 check (folded between 2 and 9007199254740991),
  add input_image_tokens int8,
  add output_image_tokens int8,
  add web_searches int8,
  add web_fetches int8;
create index usage_pages on usage (started_at_ms, instance, seq);
drop index usage_started_at;

-- Corrections lie beside the records, which stay as they were.
create table usage_corrections (
  id text primary key,
  instance text not null,
  seq int8 not null,
  kind text not null,
  delta_cost_nano_usd int8 not null,
  delta_held_nano_usd int8 not null,
  price text,
  by_whom text not null,
  reason text not null,
  at_ms int8 not null
);
create index usage_corrections_record on usage_corrections (instance, seq);
