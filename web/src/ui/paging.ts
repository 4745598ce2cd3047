import { type InfiniteData, type UseInfiniteQueryResult, useInfiniteQuery } from "@tanstack/react-query";

export type ListPage<T> = { items: T[]; next?: string | null };

/**
 * A list that comes page by page. `fetch` gets the cursor of the page, none for the first. `again` says by what is there
 * in how many milliseconds it is read again.
 */
export function usePages<T>(
  key: readonly unknown[],
  fetch: (cursor: string | undefined) => Promise<ListPage<T>>,
  again?: (items: T[]) => number | false,
): UseInfiniteQueryResult<T[], Error> {
  return useInfiniteQuery<ListPage<T>, Error, T[], readonly unknown[], string | undefined>({
    queryKey: key,
    queryFn: ({ pageParam }) => fetch(pageParam),
    initialPageParam: undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    select: itemsOf,
    ...(again && {
      refetchInterval: (query) => (query.state.data ? again(itemsOf(query.state.data)) : false),
    }),
  });
}

function itemsOf<T>(data: InfiniteData<ListPage<T>, string | undefined>): T[] {
  return data.pages.flatMap((page) => page.items);
}
