// Boxes in columns from left to right: each behind all that lead to it, as near as may be to what it is linked with.
// Its time grows with the links, so that three hundred boxes take some milliseconds.

export type Box = { id: string; height: number };

/** `offset`: how far below the middle of `from` it begins. */
export type Link = { from: string; to: string; offset: number };

/** Space between boxes of a column. */
const GAP = 36;
/** There and back; what is better after more of them cannot be seen. */
const SWEEPS = 6;

export type Place = { column: number /** Of the middle. */; y: number };

type Near = { id: string; offset: number; weight: number };

/** Which column each box is in, and where in it. */
export function layered(boxes: readonly Box[], links: readonly Link[], entry: string): Map<string, Place> {
  const heights = new Map(boxes.map(({ id, height }) => [id, height]));
  const known = links.filter(({ from, to }) => from !== to && heights.has(from) && heights.has(to));
  const ids = boxes.map(({ id }) => id);
  const ranks = ranksOf(
    entry,
    ids,
    known.map(({ from, to }) => [from, to]),
  );
  const rank = (id: string) => ranks.get(id) ?? 0;
  const before = new Map<string, Near[]>();
  const behind = new Map<string, Near[]>();
  for (const { from, to, offset } of known) {
    const span = rank(to) - rank(from);
    // What leads back, or far, is drawn as it comes.
    if (span > 0) {
      push(before, to, { id: from, offset, weight: 1 / span });
      push(behind, from, { id: to, offset: -offset, weight: 1 / span });
    }
  }
  const columns: string[][] = [];
  // In the order in which they are reached, which follows the ports from above.
  for (const id of reached(entry, ids, known)) {
    const column = columns[rank(id)] ?? [];
    columns[rank(id)] = column;
    column.push(id);
  }
  const ys = new Map<string, number>();
  for (const column of columns) {
    stack(column, heights, new Map(), ys);
  }
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const forward = sweep % 2 === 0;
    for (const column of forward ? columns : [...columns].reverse()) {
      const wished = wishes(column, forward ? before : behind, ys);
      // The last sweeps only shift: an order that changes to the end never rests.
      if (sweep < SWEEPS - 2) {
        column.sort((a, b) => (wished.get(a) ?? 0) - (wished.get(b) ?? 0));
      }
      stack(column, heights, wished, ys);
    }
  }
  return new Map(ids.map((id) => [id, { column: rank(id), y: ys.get(id) ?? 0 }]));
}

/** Where each box would stand if it were alone: level with what it is linked to; where it is if it is linked to nothing. */
function wishes(
  column: readonly string[],
  near: Map<string, Near[]>,
  ys: Map<string, number>,
): Map<string, number> {
  return new Map(
    column.map((id) => {
      const linked = near.get(id) ?? [];
      const weight = linked.reduce((sum, one) => sum + one.weight, 0);
      const sum = linked.reduce((y, one) => y + ((ys.get(one.id) ?? 0) + one.offset) * one.weight, 0);
      return [id, weight === 0 ? (ys.get(id) ?? 0) : sum / weight];
    }),
  );
}

/**
 * Puts a column's boxes one below the other in their order, each as near to its wish as the others leave room: boxes
 * that would lie on each other become one block in the middle of their wishes (regression by pooling neighbours).
 */
function stack(
  column: readonly string[],
  heights: Map<string, number>,
  wished: Map<string, number>,
  ys: Map<string, number>,
): void {
  const height = (id: string | undefined) => heights.get(id ?? "") ?? 0;
  // How far below the column's first box each stands at the least.
  const below: number[] = [];
  const blocks: { sum: number; count: number }[] = [];
  column.forEach((id, i) => {
    const step = i === 0 ? 0 : (height(column[i - 1]) + height(id)) / 2 + GAP;
    below.push((below[i - 1] ?? 0) + step);
    let block = { sum: (wished.get(id) ?? below[i] ?? 0) - (below[i] ?? 0), count: 1 };
    for (let last = blocks.at(-1); last && last.sum / last.count >= block.sum / block.count; ) {
      blocks.pop();
      block = { sum: block.sum + last.sum, count: block.count + last.count };
      last = blocks.at(-1);
    }
    blocks.push(block);
  });
  let i = 0;
  for (const { sum, count } of blocks) {
    for (const end = i + count; i < end; i++) {
      ys.set(column[i] ?? "", sum / count + (below[i] ?? 0));
    }
  }
}

/** What each box leads to. */
function followers(pairs: readonly [string, string][]): Map<string, string[]> {
  const next = new Map<string, string[]>();
  for (const [from, to] of pairs) {
    push(next, from, to);
  }
  return next;
}

function push<T>(map: Map<string, T[]>, id: string, one: T) {
  const list = map.get(id);
  if (list === undefined) {
    map.set(id, [one]);
  } else {
    list.push(one);
  }
}

/** All boxes, those that can be reached from the first one before the others, nearest first. */
function reached(entry: string, ids: readonly string[], links: readonly Link[]): string[] {
  const next = followers(links.map(({ from, to }) => [from, to]));
  const seen = new Set<string>();
  const known = new Set(ids);
  for (const start of [entry, ...ids]) {
    const open = seen.has(start) || !known.has(start) ? [] : [start];
    for (const id of open) {
      if (!seen.has(id)) {
        seen.add(id);
        open.push(...(next.get(id) ?? []));
      }
    }
  }
  return [...seen];
}

/** How far from the beginning each box is, by the longest way that leads forward. */
function ranksOf(entry: string, ids: readonly string[], pairs: [string, string][]): Map<string, number> {
  const next = followers(pairs);
  // Depth first without recursion: a box is done when all behind it are; what leads to one on the path leads back.
  const state = new Map<string, "open" | "done">();
  const order: string[] = [];
  const back = new Set<string>();
  for (const start of [entry, ...ids]) {
    const path: { id: string; at: number }[] = state.has(start) ? [] : [{ id: start, at: 0 }];
    state.set(start, state.get(start) ?? "open");
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const to = next.get(top.id)?.[top.at];
      top.at += 1;
      if (to === undefined) {
        state.set(top.id, "done");
        order.push(top.id);
        path.pop();
      } else if (state.get(to) === "open") {
        back.add(`${top.id} ${to}`);
      } else if (!state.has(to)) {
        state.set(to, "open");
        path.push({ id: to, at: 0 });
      }
    }
  }
  const ranks = new Map<string, number>();
  for (const id of order.reverse()) {
    const rank = ranks.get(id) ?? 0;
    ranks.set(id, rank);
    for (const to of next.get(id) ?? []) {
      if (!back.has(`${id} ${to}`)) {
        ranks.set(to, Math.max(ranks.get(to) ?? 0, rank + 1));
      }
    }
  }
  return ranks;
}
