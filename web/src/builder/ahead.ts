// What the builder reads first, asked for while its scripts still load: one way to the server and back less before the canvas.

import { answer, api, ask } from "../api/client";

/** A draft that was read so long ago may have been saved anew since. */
const FRESH_MS = 5_000;

const draftOf = (id: string) => answer(api.GET("/flows/{id}/draft", { params: { path: { id } } }));
const schema = () => ask(api.GET("/schemas/callflow/1"));

type Asked<T> = { id: string; at: number; reply: Promise<T> };

let draftAsked: Asked<Awaited<ReturnType<typeof draftOf>>> | null = null;
let schemaAsked: Asked<Awaited<ReturnType<typeof schema>>> | null = null;

/** Asks for what the builder of a flow will read. */
export function askAhead(id: string): void {
  const at = performance.now();
  draftAsked = { id, at, reply: draftOf(id) };
  // Steps and fields change with the server alone.
  schemaAsked ??= { id: "", at, reply: schema() };
  // Whoever takes one asks again where it failed; nobody may take it.
  draftAsked.reply.catch(() => undefined);
  schemaAsked.reply.catch(() => undefined);
}

/** The draft of a flow with its etag. One that was asked for ahead is given once. */
export function readDraftOf(id: string): ReturnType<typeof draftOf> {
  const asked = draftAsked;
  draftAsked = null;
  const isFresh = asked?.id === id && performance.now() - asked.at < FRESH_MS;
  return isFresh ? asked.reply.catch(() => draftOf(id)) : draftOf(id);
}

/** The schema of flows. */
export function readSchema(): ReturnType<typeof schema> {
  const asked = schemaAsked;
  schemaAsked = null;
  return asked === null ? schema() : asked.reply.catch(schema);
}
