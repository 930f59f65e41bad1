-- Thresholds that an account has crossed, each once; and the sending of each to its receiver, which outlives a restart.
create table alerts (
  id text primary key,
  limit_uid text not null,
  account text not null,
  at_percent int4 not null,
  -- What is sent; the same text at every attempt.
  body text not null,
  -- A digest of the receiver's address; null: there is none.
  receiver text,
  fired_at_ms int8 not null,
  -- When its window ends, and it may be forgotten; null: never.
  ends_at_ms int8,
  attempts int4 not null,
  -- When to send (again); null: done, given up, or nobody to send to.
  next_at_ms int8,
  delivered_at_ms int8,
  failure text
);
create index alerts_next_at on alerts (next_at_ms) where next_at_ms is not null;
create index alerts_ends_at on alerts (ends_at_ms);

-- What happened to resources, for people: as Kubernetes' Events.
create table events (
  id text primary key,
  kind text not null,
  namespace text not null,
  name text not null,
  uid text not null,
  type text not null,
  reason text not null,
  message text not null,
  at_ms int8 not null
);
create index events_at on events (at_ms);
create index events_about on events (namespace, kind, name, at_ms);
