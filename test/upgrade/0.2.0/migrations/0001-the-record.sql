-- The record: resources with their history, revisions, revoked keys, and the usage of data planes.
-- Documents that a user wrote are `json`, not `jsonb`: they come back with their members in the order they were given.

create table resources (
  kind text not null,
  namespace text not null,
  name text not null,
  uid text not null unique,
  generation int8 not null,
  resource_version int8 not null unique,
  created_at_ms int8 not null,
  labels json not null,
  annotations json not null,
  spec json not null,
  status json not null,
  origin json not null,
  primary key (kind, namespace, name)
);

-- Every change of a resource, as the whole resource that it left behind.
create table resource_history (
  resource_version int8 primary key,
  type text not null check (type in ('ADDED', 'MODIFIED', 'DELETED')),
  kind text not null,
  namespace text not null,
  name text not null,
  changed_at_ms int8 not null,
  resource json not null
);

-- One row: the version of the newest change, and of the newest one that the history has forgotten.
create table resource_position (
  only_row boolean primary key default true check (only_row),
  newest int8 not null,
  forgotten int8 not null
);
insert into resource_position (newest, forgotten) values (0, 0);

create table revisions (
  revision int8 primary key,
  digest text not null,
  snapshot json not null,
  recorded_at_ms int8 not null
);

create table revocations (
  hash text primary key,
  key text not null,
  revoked_at_ms int8 not null,
  revoked_by text not null,
  reason text not null
);

create table usage (
  instance text not null,
  seq int8 not null check (seq > 0),
  request_id text not null,
  started_at_ms int8 not null,
  duration_ms float8 not null,
  first_byte_ms float8,
  outcome text not null,
  status int4 not null,
  code text,
  gateway text,
  protocol text not null,
  operation text not null,
  stream boolean not null,
  key_name text,
  namespace text,
  team text,
  service text,
  user_name text,
  metadata jsonb,
  model text,
  route text,
  target text,
  provider text,
  upstream_model text,
  upstream_request_id text,
  attempts int4 not null,
  input_tokens int8,
  input_audio_tokens int8,
  cache_read_tokens int8,
  cache_write_5m_tokens int8,
  cache_write_1h_tokens int8,
  cache_write_other_tokens int8,
  output_tokens int8,
  output_reasoning_tokens int8,
  output_audio_tokens int8,
  request_bytes int8 not null,
  response_bytes int8 not null,
  primary key (instance, seq)
);
create index usage_started_at on usage (started_at_ms);
create index usage_request_id on usage (request_id);

-- Lines that are no usage event, as they came: nothing that a data plane sent is thrown away.
create table usage_rejects (
  instance text not null,
  seq int8 not null,
  line text not null,
  reason text not null,
  rejected_at_ms int8 not null,
  primary key (instance, seq)
);

create table usage_watermarks (
  instance text primary key,
  seq int8 not null
);
