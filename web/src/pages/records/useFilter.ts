import { useDebouncedValue } from "@mantine/hooks";
import { useEffect, useState } from "react";
import { useSearchParams } from "react-router";
import { addressOf, filterOf, queryOf, type RecordFilter, type RecordQuery } from "./filter";

/** The search of a page: what its fields hold, and, a moment later, what is asked. It stays in the address. */
export function useFilter(): {
  filter: RecordFilter;
  change: (filter: RecordFilter) => void;
  query: RecordQuery;
} {
  const [address, setAddress] = useSearchParams();
  const [filter, setFilter] = useState(() => filterOf(address));
  const [asked] = useDebouncedValue(filter, 300);
  const wanted = addressOf(asked).toString();
  useEffect(() => {
    setAddress(wanted, { replace: true });
  }, [wanted, setAddress]);
  return { filter, change: setFilter, query: queryOf(asked) };
}
