// Which records are asked for; kept in the page's address, so that a search can be sent to somebody.

import { api, ask, type Schema } from "../../api/client";
import { isOutcome, type OutcomeName } from "../../live/words";

export type RecordItem = Schema<"RecordItem">;

/** As the fields of the page hold it; empty where nothing was said. Times as `datetime-local` has them, of this zone. */
export type RecordFilter = {
  caller: string;
  number: string;
  flow: string;
  outcome: string;
  agent: string;
  call: string;
  from: string;
  until: string;
};

export const FIELDS = ["caller", "number", "flow", "outcome", "agent", "call", "from", "until"] as const;

export function filterOf(address: URLSearchParams): RecordFilter {
  const value = (name: (typeof FIELDS)[number]) => address.get(name) ?? "";
  return {
    caller: value("caller"),
    number: value("number"),
    flow: value("flow"),
    outcome: value("outcome"),
    agent: value("agent"),
    call: value("call"),
    from: value("from"),
    until: value("until"),
  };
}

export function addressOf(filter: RecordFilter): URLSearchParams {
  return new URLSearchParams(FIELDS.flatMap((name) => (filter[name] === "" ? [] : [[name, filter[name]]])));
}

export type RecordQuery = {
  caller?: string;
  number?: string;
  flow?: string;
  outcome?: OutcomeName;
  agent?: string;
  call?: string;
  from?: string;
  until?: string;
};

/** What the server is asked; a time that is none is left out. */
export function queryOf(filter: RecordFilter): RecordQuery {
  const { from, until, outcome, ...texts } = filter;
  const query: RecordQuery = {};
  for (const [name, value] of Object.entries(texts) as [keyof typeof texts, string][]) {
    if (value.trim() !== "") {
      query[name] = value.trim();
    }
  }
  if (isOutcome(outcome)) {
    query.outcome = outcome;
  }
  for (const [name, value] of [["from", from] as const, ["until", until] as const]) {
    const at = new Date(value);
    if (value !== "" && !Number.isNaN(at.getTime())) {
      query[name] = at.toISOString();
    }
  }
  return query;
}

/** A page of records. */
export function fetchRecords(query: RecordQuery, cursor: string | undefined, limit: number) {
  return ask(api.GET("/records", { params: { query: { ...query, limit, ...(cursor && { cursor }) } } }));
}

export type Gathered = { records: RecordItem[]; isCut: boolean };

/** All records that fit, page by page, to be counted; but `most` of them: more would take a browser too long. */
export async function gatherRecords(
  query: RecordQuery,
  most: number,
  progress: (count: number) => void,
  signal: AbortSignal,
): Promise<Gathered> {
  const records: RecordItem[] = [];
  let cursor: string | undefined;
  do {
    signal.throwIfAborted();
    const page = await fetchRecords(query, cursor, 200);
    records.push(...page.items);
    cursor = page.next;
    progress(records.length);
  } while (cursor !== undefined && records.length < most);
  return { records: records.slice(0, most), isCut: cursor !== undefined || records.length > most };
}
