import {
  Alert,
  Button,
  Fieldset,
  Group,
  JsonInput,
  NumberInput,
  Select,
  SimpleGrid,
  Stack,
  Switch,
  Table,
  Text,
  TextInput,
  Title,
} from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { answer, api, ask, type Schema } from "../api/client";
import { useSession } from "../app/session";
import { stepName } from "../flow/document";
import { outcomeWords, type Rung, rungWords } from "../flow/ladder";
import { ProblemAlert } from "../ui/ProblemAlert";
import type { Autosave } from "./autosave";
import { notify } from "./notify";
import { useBuilder, useBuilderState } from "./store";
import { TryStart } from "./TryStart";
import { usePlayer } from "./usePlayer";
import { type Input, type Setting, type Simulation, type State, useSimulation } from "./useSimulation";
import { WHO_CALLS, WhoCalls } from "./WhoCalls";

/** The simulator beside the canvas: the same interpreter as for calls, with a clock that stands still between inputs. */
export function TryIt({ id, autosave }: { id: string; autosave: Autosave }) {
  const { builder, show } = useBuilder();
  const { may } = useSession();
  const [isLoud, setLoud] = useState(true);
  const simulation = useSimulation(builder, usePlayer(isLoud, may("flows.edit")), show);
  const { state, error } = simulation;
  return (
    <Stack gap="sm">
      <div>
        <Title order={2} size="h5">
          Try it
        </Title>
        <Text size="xs" c="dimmed">
          A call through the draft, without a telephone. Time passes only when you let it.
        </Text>
      </div>
      <TryStart simulation={simulation} />
      <Switch
        size="xs"
        label="Play what the caller hears in this browser"
        checked={isLoud}
        onChange={(event) => setLoud(event.currentTarget.checked)}
      />
      {error && <ProblemAlert error={error} />}
      {state && (
        <>
          <Where state={state} />
          {state.outcome == null && <Controls state={state} simulation={simulation} />}
          <Ladder rungs={simulation.rungs} />
          <Variables variables={state.variables} />
          <KeepTest flow={id} simulation={simulation} autosave={autosave} />
        </>
      )}
    </Stack>
  );
}

function Where({ state }: { state: State }) {
  if (state.outcome != null) {
    return (
      <Alert color="gray" p="xs" role="status">
        <Text size="sm">
          The call is over after {(state.atMs / 1000).toFixed(1)} s. {outcomeWords(state.outcome)}
        </Text>
      </Alert>
    );
  }
  const waits = state.takesKeys ? "It waits for keys." : state.legs.length > 0 ? "Somebody is rung." : "";
  return (
    <Alert color="teal" p="xs" role="status">
      <Text size="sm">
        In “{state.step?.name}”, after {(state.atMs / 1000).toFixed(1)} s. {waits}
      </Text>
      <Text size="xs" c="dimmed">
        Clock: {new Date(state.now).toLocaleString()}
      </Text>
    </Alert>
  );
}

const PAD = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];

function Controls({ state, simulation }: { state: State; simulation: Simulation }) {
  const [seconds, setSeconds] = useState<number | string>(5);
  const { put, isBusy } = simulation;
  const hasSuchStep = useBuilderState(({ document }) => Object.hasOwn(document.steps, WHO_CALLS));
  const send = (input: Input) => void put(input);
  return (
    <Stack gap="xs">
      <SimpleGrid cols={3} spacing={4} w={180} mx="auto" role="group" aria-label="Dial pad">
        {PAD.map((key) => (
          <Button
            key={key}
            variant="default"
            size="sm"
            disabled={isBusy}
            onClick={() => send({ input: "press", keys: key })}
          >
            {key}
          </Button>
        ))}
      </SimpleGrid>
      <Group gap="xs">
        <Button size="xs" disabled={isBusy} onClick={() => send({ input: "next" })}>
          Go on
        </Button>
        <Button
          size="xs"
          variant="default"
          disabled={isBusy}
          onClick={() => send({ input: "wait", seconds: Number(seconds) || 0 })}
        >
          Wait
        </Button>
        <NumberInput
          size="xs"
          w={90}
          aria-label="Seconds to wait"
          min={0}
          max={86400}
          suffix=" s"
          value={seconds}
          onChange={setSeconds}
        />
        <Button
          size="xs"
          color="red"
          variant="light"
          disabled={isBusy}
          onClick={() => send({ input: "hang_up" })}
        >
          Hang up
        </Button>
      </Group>
      {state.legs.map((target) => (
        <Leg key={target} target={target} isBusy={isBusy} send={send} />
      ))}
      {state.questions.map((step) =>
        step === WHO_CALLS && !hasSuchStep ? (
          <WhoCalls key={step} isBusy={isBusy} send={send} />
        ) : (
          <Question key={step} step={step} isBusy={isBusy} send={send} />
        ),
      )}
    </Stack>
  );
}

const LEG_WORDS: [word: Schema<"LegWord">, label: string][] = [
  ["answered", "Answers"],
  ["busy", "Busy"],
  ["no_answer", "No answer"],
  ["rejected", "Rejects"],
  ["unavailable", "Unavailable"],
  ["failed", "Fails"],
  ["hang_up", "Hangs up"],
];

type Send = { isBusy: boolean; send: (input: Input) => void };

/** What somebody who is rung does. */
function Leg({ target, isBusy, send }: Send & { target: string }) {
  return (
    <Fieldset legend={target} p="xs">
      <Group gap={4}>
        {LEG_WORDS.map(([result, label]) => (
          <Button
            key={result}
            size="compact-xs"
            variant="default"
            disabled={isBusy}
            onClick={() => send({ input: "dial", result, target })}
          >
            {label}
          </Button>
        ))}
        <Button
          size="compact-xs"
          variant="default"
          disabled={isBusy}
          onClick={() => send({ input: "dial_press", key: "1", target })}
        >
          Presses 1
        </Button>
      </Group>
    </Fieldset>
  );
}

const FAILURES = ["timeout", "unreachable", "refused"];

/** What another system replies. */
function Question({ step, isBusy, send }: Send & { step: string }) {
  const document = useBuilderState((state) => state.document);
  const [text, setText] = useState(REPLIES[document.steps[step]?.type ?? ""] ?? "{}");
  const [failure, setFailure] = useState<string>("timeout");
  const reply = () => {
    try {
      send({ input: "reply", step, reply: { value: JSON.parse(text) as unknown } });
    } catch {
      notify("hint", "The reply is no JSON yet.");
    }
  };
  return (
    <Fieldset legend={`“${stepName(document, step)}” waits for a reply`} p="xs">
      <Stack gap="xs">
        <JsonInput
          size="xs"
          aria-label="Reply"
          autosize
          minRows={2}
          formatOnBlur
          value={text}
          onChange={setText}
        />
        <Group gap="xs">
          <Button size="compact-xs" disabled={isBusy} onClick={reply}>
            Reply
          </Button>
          <Button
            size="compact-xs"
            variant="default"
            disabled={isBusy}
            onClick={() => send({ input: "reply", step, reply: { failure } })}
          >
            Fail with
          </Button>
          <Select
            size="xs"
            w={120}
            aria-label="Why there is no reply"
            data={FAILURES}
            value={failure}
            allowDeselect={false}
            onChange={(next) => setFailure(next ?? "timeout")}
          />
        </Group>
      </Stack>
    </Fieldset>
  );
}

const REPLIES: Record<string, string> = {
  http: '{"status": 200, "json": {}}',
  query: "[{}]",
  callout: "{}",
};

function Ladder({ rungs }: { rungs: Rung[] }) {
  const document = useBuilderState((state) => state.document);
  const list = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each new line is scrolled to
  useEffect(() => {
    list.current?.scrollTo({ top: list.current.scrollHeight });
  }, [rungs.length]);
  return (
    <div
      ref={list}
      role="log"
      aria-label="What happened"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls is scrolled by the keyboard, too
      tabIndex={0}
      style={{ maxHeight: 260, overflowY: "auto" }}
    >
      {rungs.map((rung, i) => {
        const words = rungWords(document, rung);
        return (
          words !== null && (
            // biome-ignore lint/suspicious/noArrayIndexKey: lines are only ever added at the end
            <Group key={i} gap="xs" wrap="nowrap" align="flex-start">
              <Text size="xs" c="dimmed" ff="monospace" w={52} ta="right" style={{ flex: "none" }}>
                {(Number(rung.at_ms) / 1000).toFixed(1)} s
              </Text>
              <Text size="xs">{words}</Text>
            </Group>
          )
        );
      })}
    </div>
  );
}

function Variables({ variables }: { variables: Record<string, string> }) {
  const names = Object.keys(variables);
  return (
    names.length > 0 && (
      <Table verticalSpacing={2} fz="xs" layout="fixed">
        <Table.Caption style={{ captionSide: "top", textAlign: "start" }}>Variables</Table.Caption>
        <Table.Tbody>
          {names.map((name) => (
            <Table.Tr key={name}>
              <Table.Th fw={400} ff="monospace">
                {name}
              </Table.Th>
              <Table.Td style={{ overflowWrap: "anywhere" }}>{variables[name]}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    )
  );
}

type KeepTestProps = { flow: string; simulation: Simulation; autosave: Autosave };

/** Keeps what was put in, and the ladder that came of it, as a test of the flow. */
function KeepTest({ flow, simulation, autosave }: KeepTestProps) {
  const { may } = useSession();
  const [name, setName] = useState("");
  const keep = useMutation({
    mutationFn: async () => {
      // The ladder is what the saved draft gives.
      await autosave.flush();
      await keepTest(flow, name, simulation.inputs, simulation.setting);
    },
    onSuccess: () => {
      setName("");
      notify("done", "Kept as a test of this flow.");
    },
  });
  if (!may("flows.edit")) {
    return null;
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        keep.mutate();
      }}
    >
      <Group gap="xs" align="flex-end">
        <TextInput
          size="xs"
          style={{ flex: 1 }}
          label="Keep as a test"
          placeholder="Support is busy"
          required
          maxLength={60}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Button size="xs" type="submit" variant="default" loading={keep.isPending}>
          Keep
        </Button>
      </Group>
      {keep.error && <ProblemAlert error={keep.error} />}
    </form>
  );
}

async function keepTest(flow: string, name: string, inputs: Input[], setting: Setting | null): Promise<void> {
  const slug = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "");
  const id = `${flow.replace(/[^A-Za-z0-9]+/g, "_")}_${slug || "test"}`.slice(0, 80);
  const { from, to, at, schedules } = setting ?? { from: "", to: "", at: "", schedules: {} };
  const test = {
    id,
    flow,
    name,
    inputs,
    seed: 1,
    ...(from && { from }),
    ...(to && { to }),
    ...(at && { at }),
    ...(Object.keys(schedules).length > 0 && { schedules }),
  };
  const made = await answer(api.POST("/flow-tests", { body: test }));
  const run = await ask(
    api.POST("/flow-tests/{id}/run", { params: { path: { id }, query: { version: "draft" } } }),
  );
  const params = { path: { id }, header: { "If-Match": made.etag } };
  await ask(api.PUT("/flow-tests/{id}", { params, body: { ...test, expected: run.lines } }));
}
