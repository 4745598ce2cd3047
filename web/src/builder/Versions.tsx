import {
  Alert,
  Badge,
  Button,
  Group,
  Loader,
  NumberInput,
  Paper,
  Stack,
  Text,
  TextInput,
  Title,
} from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, ask, type Schema } from "../api/client";
import { Empty } from "../ui/Empty";
import { ProblemAlert } from "../ui/ProblemAlert";
import { usePages } from "../ui/paging";
import type { Autosave } from "./autosave";
import { Dialog } from "./Dialog";
import { notify } from "./notify";
import { useBuilder } from "./store";
import { Differences } from "./VersionDifferences";

type Version = Schema<"VersionItem">;
type FlowItem = Schema<"FlowItem">;

/** What was published, what calls get, and what is to come. */
export function Versions({ id, autosave }: { id: string; autosave: Autosave }) {
  const flow = useQuery({
    queryKey: ["flow", id],
    queryFn: () => ask(api.GET("/flows/{id}", { params: { path: { id } } })),
  });
  const versions = usePages(["flow", id, "versions"], (cursor) =>
    ask(
      api.GET("/flows/{id}/versions", {
        params: { path: { id }, query: { limit: 20, ...(cursor && { cursor }) } },
      }),
    ),
  );
  const error = flow.error ?? versions.error;
  return (
    <Stack gap="sm">
      <div>
        <Title order={2} size="h5">
          Versions
        </Title>
        <Text size="xs" c="dimmed">
          A call keeps the version that it began with.
        </Text>
      </div>
      {error && (
        <ProblemAlert error={error} retry={() => Promise.all([flow.refetch(), versions.refetch()])} />
      )}
      {(flow.isPending || versions.isPending) && <Loader size="sm" aria-label="Loading" />}
      {flow.data && <Running id={id} flow={flow.data} autosave={autosave} />}
      {versions.data?.length === 0 && (
        <Empty title="Never published" text="Calls cannot come here before the draft is published." />
      )}
      {flow.data &&
        versions.data?.map((version, i) => (
          <VersionCard
            key={version.version}
            id={id}
            flow={flow.data}
            version={version}
            before={versions.data[i + 1]?.version}
            autosave={autosave}
          />
        ))}
      {versions.hasNextPage && (
        <Button
          size="xs"
          variant="default"
          loading={versions.isFetchingNextPage}
          onClick={() => versions.fetchNextPage()}
        >
          Show more
        </Button>
      )}
    </Stack>
  );
}

/** Something done to versions, with what it says when it is done. */
function useChange(id: string, change: () => Promise<unknown>, done: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: () => {
      notify("done", done);
      void queries.invalidateQueries({ queryKey: ["flow", id] });
      void queries.invalidateQueries({ queryKey: ["flows"] });
    },
    onError: (error) => notify("failed", error.message, "That did not work"),
  });
}

/** A trial that runs, and a publication to come. */
function Running({ id, flow, autosave }: { id: string; flow: FlowItem; autosave: Autosave }) {
  const { mayEdit } = useBuilder();
  const params = { path: { id }, header: { "If-Match": autosave.etag() } };
  const promote = useChange(
    id,
    () => ask(api.POST("/flows/{id}/canary/promote", { params })),
    "All callers get it now.",
  );
  const end = useChange(id, () => ask(api.DELETE("/flows/{id}/canary", { params })), "The trial is over.");
  const cancel = useChange(
    id,
    () => ask(api.DELETE("/flows/{id}/scheduled", { params })),
    "Nothing is published at that time.",
  );
  return (
    <>
      {flow.canary && (
        <Alert p="xs" title={`Version ${flow.canary.version} is on trial`}>
          <Text size="sm">{flow.canary.share} of a hundred callers get it.</Text>
          {mayEdit && (
            <Group gap="xs" mt="xs">
              <Button size="xs" loading={promote.isPending} onClick={() => promote.mutate()}>
                Give it to all
              </Button>
              <Button size="xs" variant="default" loading={end.isPending} onClick={() => end.mutate()}>
                End the trial
              </Button>
            </Group>
          )}
        </Alert>
      )}
      {flow.scheduled && (
        <Alert p="xs" title={`To be published ${new Date(flow.scheduled.due).toLocaleString()}`}>
          <Text size="sm">{flow.scheduled.comment}</Text>
          {mayEdit && (
            <Button
              size="xs"
              mt="xs"
              variant="default"
              loading={cancel.isPending}
              onClick={() => cancel.mutate()}
            >
              Take it back
            </Button>
          )}
        </Alert>
      )}
    </>
  );
}

type VersionCardProps = {
  id: string;
  flow: FlowItem;
  version: Version;
  before: number | undefined;
  autosave: Autosave;
};

function VersionCard({ id, flow, version, before, autosave }: VersionCardProps) {
  const { mayEdit } = useBuilder();
  const [dialog, setDialog] = useState<"rollback" | "trial" | null>(null);
  const isLive = flow.live === version.version;
  return (
    <Paper withBorder p="xs">
      <Group gap="xs">
        <Text fw={600}>Version {version.version}</Text>
        {isLive && (
          <Badge variant="light" color="teal">
            Live
          </Badge>
        )}
        {flow.canary?.version === version.version && (
          <Badge variant="light" color="orange">
            On trial
          </Badge>
        )}
      </Group>
      <Text size="sm">{version.comment}</Text>
      <Text size="xs" c="dimmed">
        {new Date(version.published).toLocaleString()} by {version.author}
      </Text>
      <Differences id={id} version={version.version} before={before} />
      {mayEdit && !isLive && (
        <Group gap="xs" mt="xs">
          <Button size="compact-xs" variant="default" onClick={() => setDialog("rollback")}>
            Publish it again
          </Button>
          {flow.live != null && flow.canary?.version !== version.version && (
            <Button size="compact-xs" variant="default" onClick={() => setDialog("trial")}>
              Try it on a share
            </Button>
          )}
        </Group>
      )}
      {dialog === "rollback" && (
        <RollbackDialog id={id} version={version.version} onClose={() => setDialog(null)} />
      )}
      {dialog === "trial" && (
        <TrialDialog id={id} version={version.version} onClose={() => setDialog(null)} autosave={autosave} />
      )}
    </Paper>
  );
}

function RollbackDialog({ id, version, onClose }: { id: string; version: number; onClose: () => void }) {
  const [comment, setComment] = useState(`Back to version ${version}`);
  const rollback = useChange(
    id,
    () => ask(api.POST("/flows/{id}/rollback", { params: { path: { id } }, body: { version, comment } })),
    `The content of version ${version} is live again, as a new version.`,
  );
  return (
    <Dialog opened onClose={onClose} title={`Publish version ${version} again`}>
      <Stack>
        <Text size="sm">
          Its content becomes a new version that all callers get. The draft stays as it is.
        </Text>
        <TextInput
          label="Why"
          required
          maxLength={1000}
          value={comment}
          onChange={(event) => setComment(event.currentTarget.value)}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button
            loading={rollback.isPending}
            disabled={comment.trim() === ""}
            onClick={() => rollback.mutate(undefined, { onSuccess: onClose })}
          >
            Publish it again
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}

function TrialDialog({
  id,
  version,
  onClose,
  autosave,
}: {
  id: string;
  version: number;
  onClose: () => void;
  autosave: Autosave;
}) {
  const [share, setShare] = useState<number | string>(10);
  const trial = useChange(
    id,
    () =>
      ask(
        api.PUT("/flows/{id}/canary", {
          params: { path: { id }, header: { "If-Match": autosave.etag() } },
          body: { version, share: Number(share) },
        }),
      ),
    `${share} of a hundred callers get version ${version}.`,
  );
  return (
    <Dialog opened onClose={onClose} title={`Try version ${version} on a share of the callers`}>
      <Stack>
        <NumberInput
          label="Of a hundred callers"
          description="Each gets the same version in every call."
          min={1}
          max={99}
          value={share}
          onChange={setShare}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button loading={trial.isPending} onClick={() => trial.mutate(undefined, { onSuccess: onClose })}>
            Begin the trial
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
