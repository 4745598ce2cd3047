// Query answers in pages, with the address of the next page while there is one.
import { badRequest, notFound } from "./errors.mjs";
import { runQuery } from "./soql/evaluate.mjs";

const PAGE = 2000;

export function queryAnswer(ctx, text = "") {
  const found = runQuery(text, ctx);
  if (found.count) return { totalSize: found.rows.length, done: true, records: [] };
  const records = found.rows.map(found.show);
  const id = `01gHs${String(ctx.org.cursors.size).padStart(13, "0")}`;
  if (records.length > PAGE) ctx.org.cursors.set(id, { user: ctx.user.Id, records });
  return page(ctx, id, records, 0);
}

/** A further page: "ID-START", as the page before named it. */
export function moreAnswer(ctx, locator) {
  const [id, start] = locator.split("-");
  const held = ctx.org.cursors.get(id);
  if (!held || held.user !== ctx.user.Id) throw badRequest("INVALID_QUERY_LOCATOR", "invalid query locator");
  if (!/^\d+$/.test(start ?? "")) throw notFound();
  return page(ctx, id, held.records, Number(start));
}

function page(ctx, id, records, start) {
  const end = start + PAGE;
  const done = end >= records.length;
  const answer = { totalSize: records.length, done, records: records.slice(start, end) };
  if (!done) answer.nextRecordsUrl = `/services/data/v${ctx.version}/query/${id}-${end}`;
  return answer;
}
