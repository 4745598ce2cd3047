import { Alert, Button, Group, NumberInput, Radio, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, ask } from "../api/client";
import { ProblemAlert } from "../ui/ProblemAlert";
import { toLocalInput } from "../ui/times";
import type { Autosave } from "./autosave";
import { Dialog } from "./Dialog";
import { notify } from "./notify";
import { useBuilder, useBuilderState } from "./store";

type When = "now" | "trial" | "later";

type PublishDialogProps = { id: string; opened: boolean; onClose: () => void; autosave: Autosave };

/** Publishes the draft: for all callers, for a share of them, or at a time to come. */
export function PublishDialog({ id, opened, onClose, autosave }: PublishDialogProps) {
  return (
    <Dialog opened={opened} onClose={onClose} title="Publish the draft" size="md">
      {opened && <PublishForm id={id} onClose={onClose} autosave={autosave} />}
    </Dialog>
  );
}

function PublishForm({ id, onClose, autosave }: Omit<PublishDialogProps, "opened">) {
  const { builder } = useBuilder();
  const queries = useQueryClient();
  const errors = useBuilderState(
    (state) => state.findings.filter((finding) => finding.severity === "error").length,
  );
  const [comment, setComment] = useState("");
  const [when, setWhen] = useState<When>("now");
  const [share, setShare] = useState<number | string>(10);
  const [due, setDue] = useState("");
  const publish = useMutation({
    mutationFn: async () => {
      if (!(await autosave.flush())) {
        throw new Error("The draft could not be saved; nothing was published.");
      }
      const params = { path: { id }, header: { "If-Match": autosave.etag() } };
      if (when === "later") {
        await ask(
          api.PUT("/flows/{id}/scheduled", { params, body: { comment, due: new Date(due).toISOString() } }),
        );
        return "The draft as it is now is published at that time.";
      }
      const body = { comment, ...(when === "trial" && { share: Number(share) }) };
      const result = await ask(api.POST("/flows/{id}/publish", { params, body }));
      return result.unchanged
        ? `Nothing has changed since version ${result.version}.`
        : `Version ${result.version} is ${when === "trial" ? "on trial" : "live"}. Calls in progress keep theirs.`;
    },
    onSuccess: (message) => {
      notify("done", message);
      void queries.invalidateQueries({ queryKey: ["flow", id] });
      void queries.invalidateQueries({ queryKey: ["flows"] });
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    publish.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {errors > 0 && (
          <Alert color="red" p="xs">
            <Text size="sm">
              {errors === 1 ? "An error keeps" : `${errors} errors keep`} this flow from being published.
            </Text>
            <Button
              size="xs"
              mt="xs"
              variant="default"
              onClick={() => {
                builder.setPanel("problems");
                onClose();
              }}
            >
              Show
            </Button>
          </Alert>
        )}
        <TextInput
          label="What is new"
          description="For whoever reads the list of versions."
          required
          maxLength={1000}
          data-autofocus
          value={comment}
          onChange={(event) => setComment(event.currentTarget.value)}
        />
        <Radio.Group label="For whom" value={when} onChange={(next) => setWhen(next as When)}>
          <Stack gap="xs" mt="xs">
            <Radio value="now" label="All callers, from now on" />
            <Radio
              value="trial"
              label="A share of the callers, to try it"
              description="Each gets the same version in every call."
            />
            <Radio value="later" label="All callers, at a time to come" />
          </Stack>
        </Radio.Group>
        {when === "trial" && (
          <NumberInput
            label="Of a hundred callers"
            min={1}
            max={99}
            required
            value={share}
            onChange={setShare}
          />
        )}
        {when === "later" && (
          <TextInput
            type="datetime-local"
            label="When"
            description={`In the time zone of this browser: ${Intl.DateTimeFormat().resolvedOptions().timeZone}.`}
            required
            min={toLocalInput(new Date().toISOString())}
            value={due}
            onChange={(event) => setDue(event.currentTarget.value)}
          />
        )}
        {publish.error && <ProblemAlert error={publish.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={publish.isPending} disabled={errors > 0}>
            {when === "later" ? "Set the time" : "Publish"}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
