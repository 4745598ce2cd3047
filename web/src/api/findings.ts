// What the server finds odd about the set-up.

import { useQuery } from "@tanstack/react-query";
import { useSession } from "../app/session";
import { api, ask, type Schema } from "./client";

export type Finding = Schema<"ObjectFinding">;

/** All that there is to say; kept, because every page of objects shows its part. */
export function useFindings() {
  const { may } = useSession();
  return useQuery({
    queryKey: ["findings"],
    queryFn: () => ask(api.GET("/findings")),
    enabled: may("setup.read"),
  });
}

/** Those about one object. */
export function about(findings: Finding[] | undefined, kind: string, id: string): Finding[] {
  return (findings ?? []).filter((finding) => finding.kind === kind && finding.id === id);
}
