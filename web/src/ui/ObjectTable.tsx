import { Box, Loader, Table, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import type { UseInfiniteQueryResult } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { useSearchParams } from "react-router";
import { Empty } from "./Empty";
import { ProblemAlert } from "./ProblemAlert";
import { ShowMore } from "./ShowMore";

export type Column<T> = {
  title: string;
  cell: (item: T) => ReactNode;
  /** Left out of windows that are narrower. */
  from?: "sm" | "md" | "lg";
  align?: "right";
};

type TableProps<T> = {
  query: UseInfiniteQueryResult<T[], Error>;
  columns: Column<T>[];
  keyOf: (item: T) => string | number;
  /** What stands there where the list has nothing. */
  empty: ReactNode;
};

/** A list that comes page by page, with its states. */
export function ObjectTable<T>({ query, columns, keyOf, empty }: TableProps<T>) {
  return (
    <>
      {query.error && <ProblemAlert error={query.error} retry={() => query.refetch()} />}
      {query.isPending && <Loader aria-label="Loading" />}
      {query.data?.length === 0 && empty}
      {query.data && query.data.length > 0 && (
        <Box style={{ overflowX: "auto" }}>
          <Table verticalSpacing="sm" highlightOnHover>
            <Table.Thead>
              <Table.Tr>
                {columns.map(({ title, from, align }) => (
                  <Table.Th key={title} {...(from && { visibleFrom: from })} {...(align && { ta: align })}>
                    {title}
                  </Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {query.data.map((item) => (
                <Table.Tr key={keyOf(item)}>
                  {columns.map(({ title, cell, from, align }) => (
                    <Table.Td
                      key={title}
                      style={{ overflowWrap: "break-word" }}
                      {...(from && { visibleFrom: from })}
                      {...(align && { ta: align })}
                    >
                      {cell(item)}
                    </Table.Td>
                  ))}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Box>
      )}
      <ShowMore query={query} />
    </>
  );
}

/** A search box and what is to be searched for, once the typing stops. */
export function useSearch(label: string, placeholder = "Search by name or id") {
  const [text, setText] = useState("");
  const [searched] = useDebouncedValue(text.trim(), 200);
  const box = (
    <TextInput
      aria-label={label}
      type="search"
      placeholder={placeholder}
      leftSection={<IconSearch size={16} aria-hidden />}
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      maw={360}
    />
  );
  return { searched, box };
}

/** Nothing in a list: because of the search, or because there is nothing at all. */
export function EmptyList({
  searched,
  noun,
  children,
}: {
  searched: string;
  noun: string;
  children?: ReactNode;
}) {
  return searched ? (
    <Empty title={`No ${noun} matches “${searched}”`} />
  ) : (
    <Empty title={`There is no ${noun} yet`}>{children}</Empty>
  );
}

/** Which object of a list is open, kept in the address: `?edit=ID`, `?new`. */
export function useOpened() {
  const [search, setSearch] = useSearchParams();
  const id = search.get("edit");
  const isNew = search.has("new");
  return {
    id,
    isOpen: isNew || id !== null,
    open: (id: string) => setSearch({ edit: id }),
    add: () => setSearch({ new: "" }),
    close: () => setSearch({}),
  };
}

/** The address that opens an object of the same page. */
export function editLink(id: string): string {
  return `?edit=${encodeURIComponent(id)}`;
}
