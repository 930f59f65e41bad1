/**
 * A record as its line of JSON, and back. The members of a usage event, which are JSON already, stand in it as an object: quoted as
 * a text they would be escaped letter by letter, twice for each call.
 */

import type { JournalBase, JournalEvent, JournalHead, JournalRecord, JournalReserve } from "./record.ts";

type AnyRecord = JournalHead | JournalBase | JournalRecord;

export function recordText(record: AnyRecord): string {
  switch (record.kind) {
    case "reserve": {
      const { exchange, ...rest } = record;
      return `${JSON.stringify(rest).slice(0, -1)},"exchange":{${exchange}}}`;
    }
    case "settle": {
      const { event, ...rest } = record;
      const text = JSON.stringify(rest);
      return event === undefined ? text : `${text.slice(0, -1)},"event":${eventText(event)}}`;
    }
    case "event": {
      const { kind, ...event } = record;
      return `{"kind":"${kind}",${eventText(event).slice(1)}`;
    }
    case "folded":
      return `{"kind":"folded","fromSeq":${record.fromSeq},"events":[${record.events.map(eventText).join(",")}]}`;
    default:
      return JSON.stringify(record);
  }
}

/** Throws when the text is no JSON. */
export function readRecord(text: string): AnyRecord {
  const record = JSON.parse(text);
  switch (record.kind) {
    case "reserve":
      return { ...record, exchange: membersOf(record.exchange) } satisfies JournalReserve;
    case "settle":
      return record.event === undefined ? record : { ...record, event: eventOf(record.event) };
    case "event":
      return eventOf(record);
    case "folded":
      return { ...record, events: record.events.map(eventOf) };
    default:
      return record;
  }
}

function eventText({ seq, members, instance }: JournalEvent): string {
  const of = instance === undefined ? "" : `,"instance":${JSON.stringify(instance)}`;
  return `{"seq":${seq}${of},"members":{${members}}}`;
}

function eventOf<Event extends { members: unknown }>(event: Event): Event & { members: string } {
  return { ...event, members: membersOf(event.members) };
}

/** An earlier start wrote them as a text. */
function membersOf(members: unknown): string {
  return typeof members === "string" ? members : JSON.stringify(members).slice(1, -1);
}
