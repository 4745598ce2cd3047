import { Alert, Button, List, Stack, Text, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Link } from "react-router";
import { api, ask, type Schema } from "../../api/client";
import { SidePanel } from "../../ui/Dialog";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { pathOf } from "../../ui/places";

type RouteTestProps = { number: string; isOpen: boolean; onClose: () => void };

/** Asks the server what a call would do, without calling. */
export function RouteTest({ number: given, isOpen, onClose }: RouteTestProps) {
  const [number, setNumber] = useState(given);
  const [from, setFrom] = useState("");
  const [source, setSource] = useState("");
  const test = useMutation({
    mutationFn: () => {
      const query = {
        number: number.trim(),
        ...(from.trim() && { from: from.trim() }),
        ...(source.trim() && { source: source.trim() }),
      };
      return ask(api.GET("/route", { params: { query } }));
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    test.mutate();
  };
  return (
    <SidePanel isOpen={isOpen} onClose={onClose} title="Test a number" size="md">
      <form onSubmit={submit}>
        <Stack>
          <Text size="sm" c="dimmed">
            Shows what would happen to a call, without making one.
          </Text>
          <TextInput
            label="Number that is dialled"
            required
            placeholder="+15550100"
            value={number}
            onChange={(event) => setNumber(event.currentTarget.value)}
          />
          <TextInput
            label="Caller's number"
            description="Empty: the caller withholds it."
            placeholder="+15550199"
            value={from}
            onChange={(event) => setFrom(event.currentTarget.value)}
          />
          <TextInput
            label="Address that the call comes from"
            description="Empty: an address of the first trunk."
            placeholder="192.0.2.1:5060"
            value={source}
            onChange={(event) => setSource(event.currentTarget.value)}
          />
          <Button type="submit" loading={test.isPending} disabled={number.trim() === ""}>
            Test
          </Button>
          {test.error && <ProblemAlert error={test.error} />}
          <div aria-live="polite">{test.data && <Decision report={test.data} />}</div>
        </Stack>
      </form>
    </SidePanel>
  );
}

/** What comes of it, and each step that led there. */
function Decision({ report }: { report: Schema<"RouteReport"> }) {
  const { flow, version, refused, why } = report;
  return (
    <Stack gap="sm">
      {refused ? (
        <Alert color="red" title={`The call would be refused (SIP ${refused})`} />
      ) : (
        <Alert color="teal" title="The call would be answered">
          {flow && (
            <Text size="sm">
              By the call flow <Link to={pathOf("flow", flow) ?? "/flows"}>{flow}</Link>
              {version ? `, version ${version}` : ""}.
            </Text>
          )}
        </Alert>
      )}
      <Text fw={600} size="sm">
        Step by step
      </Text>
      <List type="ordered" size="sm" spacing={4}>
        {why.map((step) => (
          <List.Item key={step}>{step}</List.Item>
        ))}
      </List>
    </Stack>
  );
}
