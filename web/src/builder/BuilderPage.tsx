import { Center, Loader } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import { useSession } from "../app/session";
import { type Catalogue, readCatalogue } from "../flow/catalogue";
import { type FlowDocument, readDocument } from "../flow/document";
import { withPlaces } from "../flow/layout";
import { Page } from "../ui/Page";
import { ProblemAlert } from "../ui/ProblemAlert";
import { readDraftOf, readSchema } from "./ahead";
import { Builder } from "./Builder";

type Draft = { document: FlowDocument; etag: string };

async function fetchDraft(id: string): Promise<Draft> {
  const { data, etag } = await readDraftOf(id);
  const read = readDocument(data);
  if ("error" in read) {
    throw new Error(read.error);
  }
  return { document: withPlaces(read.document), etag };
}

async function fetchCatalogue(): Promise<Catalogue> {
  return readCatalogue(await readSchema());
}

/** The catalogue of steps; it changes with the server alone. */
export function useCatalogue() {
  return useQuery({ queryKey: ["catalogue"], queryFn: fetchCatalogue, staleTime: Number.POSITIVE_INFINITY });
}

/** The page on which a call flow is drawn. */
export function BuilderPage() {
  const { id = "" } = useParams();
  const { may } = useSession();
  const catalogue = useCatalogue();
  // The draft is read once for each visit: while it is edited here, this is where it is.
  const draft = useQuery({
    queryKey: ["draft", id],
    queryFn: () => fetchDraft(id),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  useDocumentTitle(`${draft.data?.document.name ?? "Call flow"} · cordboard`);
  const error = draft.error ?? catalogue.error;
  if (error) {
    return (
      <Page title="Call flow">
        <ProblemAlert error={error} retry={() => Promise.all([draft.refetch(), catalogue.refetch()])} />
      </Page>
    );
  }
  if (!draft.data || !catalogue.data) {
    return (
      <Center h="60vh">
        <Loader aria-label="Loading" />
      </Center>
    );
  }
  return (
    <Builder
      key={id}
      id={id}
      document={draft.data.document}
      etag={draft.data.etag}
      catalogue={catalogue.data}
      mayEdit={may("flows.edit")}
    />
  );
}

export const Component = BuilderPage;
