import { QueryClient } from "@tanstack/react-query";
import { Problem } from "./client";

/** What was asked of the server: kept for half a minute, asked again where the network failed, not where it refused. */
export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      retry: (count, error) =>
        count < 2 && !(error instanceof Problem && error.status >= 400 && error.status < 500),
    },
    mutations: { retry: false },
  },
});
