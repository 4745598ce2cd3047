import { Button, Group } from "@mantine/core";
import type { UseInfiniteQueryResult } from "@tanstack/react-query";

type ShowMoreProps = {
  query: Pick<UseInfiniteQueryResult, "hasNextPage" | "isFetchingNextPage" | "fetchNextPage">;
};

/** The button under a list that comes page by page; nothing after the last page. */
export function ShowMore({ query }: ShowMoreProps) {
  return (
    query.hasNextPage && (
      <Group>
        <Button variant="default" loading={query.isFetchingNextPage} onClick={() => query.fetchNextPage()}>
          Show more
        </Button>
      </Group>
    )
  );
}
