// Several lists, each the latest first and read page by page, as one.

type Part<T> = {
  items: readonly T[];
  /** Whether more of it, which is older, is still to be read. */
  hasMore: boolean;
};

/**
 * All that is known to come first. What is older than the end of a list of which more may come is held back: a later
 * page of that list may have something to stand before it.
 */
export function mergedByTime<T>(parts: readonly Part<T>[], timeOf: (item: T) => number): T[] {
  const ends = parts.flatMap((part) => {
    const last = part.items.at(-1);
    return part.hasMore && last !== undefined ? [timeOf(last)] : [];
  });
  const edge = Math.max(...ends, Number.NEGATIVE_INFINITY);
  const items = parts.flatMap((part) => part.items.filter((item) => timeOf(item) >= edge));
  return items.sort((a, b) => timeOf(b) - timeOf(a));
}
