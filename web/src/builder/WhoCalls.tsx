import { Button, Fieldset, Group, Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import type { Input } from "./useSimulation";

type WhoProps = { isBusy: boolean; send: (input: Input) => void };

/** The question to the CRM who calls has no step: it goes by this name. */
export const WHO_CALLS = "call.contact";

/** What the CRM says of the caller: somebody it knows, or nobody. */
export function WhoCalls({ isBusy, send }: WhoProps) {
  const [name, setName] = useState("Ann Reed");
  const [owner, setOwner] = useState("");
  const reply = (value: unknown) => send({ input: "reply", step: WHO_CALLS, reply: { value } });
  return (
    <Fieldset legend="The CRM is asked who calls" p="xs">
      <Stack gap="xs">
        <Group gap="xs" grow align="flex-start">
          <TextInput
            size="xs"
            label="Name"
            maxLength={80}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <TextInput
            size="xs"
            label="Owner of the record"
            placeholder="An agent, or a CRM user"
            maxLength={80}
            value={owner}
            onChange={(event) => setOwner(event.currentTarget.value)}
          />
        </Group>
        <Group gap="xs">
          <Button
            size="compact-xs"
            disabled={isBusy}
            onClick={() => reply({ id: "003000000000001AAA", type: "Contact", name, ownerId: owner })}
          >
            It is a contact
          </Button>
          <Button
            size="compact-xs"
            variant="default"
            disabled={isBusy}
            onClick={() => reply({ id: "00Q000000000001AAA", type: "Lead", name, ownerId: owner })}
          >
            It is a lead
          </Button>
          <Button size="compact-xs" variant="default" disabled={isBusy} onClick={() => reply(null)}>
            It knows nobody
          </Button>
        </Group>
      </Stack>
    </Fieldset>
  );
}
