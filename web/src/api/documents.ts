// Objects of the set-up as whole documents: read with their ETag, sent back with it.

import { answer, api, ask, type Schema } from "./client";

/** The kinds of objects that have the same routes, by the path of their list. */
export type Documents = {
  numbers: Schema<"Number">;
  agents: Schema<"Agent">;
  trunks: Schema<"Trunk">;
  lists: Schema<"CallerList">;
  schedules: Schema<"Schedule">;
};

export type Kind = keyof Documents;

/** An object in a list. Lists of callers come without their documents. */
export type Item<K extends Kind> = Omit<Schema<"ObjectItem">, "document"> & { document: Documents[K] | null };

export type ListQuery = { text?: string; cursor?: string | undefined; limit?: number };

/** How a document is read and written. */
export type Door<T> = {
  /** The first part of the keys of all queries about it. */
  key: readonly unknown[];
  read: (id: string) => Promise<{ data: T; etag: string }>;
  create?: (document: T) => Promise<void>;
  /** Only if it is still what `etag` names. */
  replace: (id: string, etag: string, document: T) => Promise<void>;
  remove?: (id: string, etag: string) => Promise<void>;
};

/** The door of one kind. Its routes are typed as those of numbers: all five kinds have the same. */
export function documents<K extends Kind>(kind: K): Required<Door<Documents[K]>> {
  const all = `/${kind}` as "/numbers";
  const one = `/${kind}/{id}` as "/numbers/{id}";
  const body = (document: Documents[K]) => document as unknown as Documents["numbers"];
  return {
    key: [kind],
    read: async (id) => {
      const { data, etag } = await answer(api.GET(one, { params: { path: { id } } }));
      return { data: data as unknown as Documents[K], etag };
    },
    create: async (document) => {
      await ask(api.POST(all, { body: body(document) }));
    },
    replace: async (id, etag, document) => {
      const params = { path: { id }, header: { "If-Match": etag } };
      await ask(api.PUT(one, { params, body: body(document) }));
    },
    remove: async (id, etag) => {
      await ask(api.DELETE(one, { params: { path: { id }, header: { "If-Match": etag } } }));
    },
  };
}

/** A page of the objects of a kind. */
export async function listDocuments<K extends Kind>(
  kind: K,
  { text, cursor, limit }: ListQuery,
): Promise<{ items: Item<K>[]; next?: string | null }> {
  const query = { ...(text && { text }), ...(cursor && { cursor }), ...(limit && { limit }) };
  const page = await ask(api.GET(`/${kind}` as "/numbers", { params: { query } }));
  return page as unknown as { items: Item<K>[]; next?: string | null };
}

/** What points to an object, by the path of its list. */
export async function pointersTo(
  kind: Kind | "flows" | "prompts",
  id: string,
): Promise<Schema<"PointerItem">[]> {
  const path = `/${kind}/{id}/pointers` as "/numbers/{id}/pointers";
  return (await ask(api.GET(path, { params: { path: { id } } }))).items;
}

/** Most pages that are read to have all of a list: 4,000 objects. */
const PAGES_MAX = 20;

/** All of a list, up to a bound that is told. */
export async function allOf<T>(
  fetch: (cursor: string | undefined) => Promise<{ items: T[]; next?: string | null }>,
): Promise<{ items: T[]; isWhole: boolean }> {
  const items: T[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const { items: more, next } = await fetch(cursor);
    items.push(...more);
    if (!next) {
      return { items, isWhole: true };
    }
    cursor = next;
  }
  return { items, isWhole: false };
}
