import { useMutation } from "@tanstack/react-query";
import { downloadFrom } from "../../ui/download";
import type { RecordQuery } from "./filter";
import { addressOfExport, type ExportFormat } from "./recordExport";

export type Export = {
  start: (format: ExportFormat) => void;
  /** How it is, in a few words; empty before the first. */
  status: string;
  isPending: boolean;
  error: Error | null;
  /** The same again, where it failed. */
  retry: () => void;
};

/** An export of the records that are searched. */
export function useExport(query: RecordQuery): Export {
  const { mutate, isPending, isSuccess, error, variables } = useMutation({
    mutationFn: async (format: ExportFormat) => downloadFrom(await addressOfExport(format, query)),
  });
  return {
    start: mutate,
    status: isPending ? "The server counts the calls." : isSuccess ? "The download has begun." : "",
    isPending,
    error,
    retry: () => variables && mutate(variables),
  };
}
