import { type InfiniteData, type UseInfiniteQueryResult, useInfiniteQuery } from "@tanstack/react-query";

export type ListPage<T> = { items: T[]; next?: string | null };

/** A list that comes page by page. `fetch` gets the cursor of the page, none for the first. */
export function usePages<T>(
  key: readonly unknown[],
  fetch: (cursor: string | undefined) => Promise<ListPage<T>>,
): UseInfiniteQueryResult<T[], Error> {
  return useInfiniteQuery<ListPage<T>, Error, T[], readonly unknown[], string | undefined>({
    queryKey: key,
    queryFn: ({ pageParam }) => fetch(pageParam),
    initialPageParam: undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    select: (data: InfiniteData<ListPage<T>, string | undefined>) => data.pages.flatMap((page) => page.items),
  });
}
