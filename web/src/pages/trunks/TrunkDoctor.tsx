import { Button, Group, Loader, Paper, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import { IconCheck, IconMinus, IconX } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { type TrunkStep, testTrunk, trunkStatesKey } from "../../api/trunks";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { StepRow } from "../../ui/StepRow";
import { verdict, withStep } from "./state";

/** Tries a trunk as its calls would go, and shows each step as it happens. */
export function TrunkDoctor({ id }: { id: string }) {
  const queries = useQueryClient();
  const [steps, setSteps] = useState<TrunkStep[]>([]);
  const [wasStopped, setStopped] = useState(false);
  const giveUp = useRef<AbortController | null>(null);
  // Whoever leaves the page has no use for the rest.
  useEffect(() => () => giveUp.current?.abort(), []);
  const test = useMutation({
    mutationFn: async () => {
      const controller = new AbortController();
      giveUp.current = controller;
      setSteps([]);
      setStopped(false);
      const tell = (step: TrunkStep) => setSteps((before) => withStep(before, step));
      try {
        await testTrunk(id, tell, controller.signal);
      } catch (error) {
        if (!controller.signal.aborted) {
          throw error;
        }
      }
    },
    onSettled: () => queries.invalidateQueries({ queryKey: trunkStatesKey }),
  });
  const stop = () => {
    giveUp.current?.abort();
    setStopped(true);
  };
  return (
    <Paper withBorder p="md" component="section" aria-label="Test of the trunk">
      <Title order={2} size="h4" mb={4}>
        Test the trunk
      </Title>
      <Text size="sm" c="dimmed" mb="sm">
        Finds it, connects, asks and registers as its calls do, and where it has a test number calls that with
        a sound and keys. Nothing changes by it.
      </Text>
      <Stack align="flex-start">
        <Group gap="xs">
          <Button loading={test.isPending} onClick={() => test.mutate()}>
            {test.isIdle ? "Test it" : "Test it again"}
          </Button>
          {test.isPending && (
            <Button variant="default" onClick={stop}>
              Stop
            </Button>
          )}
        </Group>
        {test.error && <ProblemAlert error={test.error} />}
        {!test.isIdle && !test.error && (
          <Text size="sm" fw={600} role="status">
            {test.isPending ? "It is being tested." : wasStopped ? "The test was stopped." : verdict(steps)}
          </Text>
        )}
        <Stack
          component="ol"
          gap="sm"
          aria-label="Steps of the test"
          style={{ listStyle: "none", margin: 0, padding: 0 }}
        >
          {/* One that had begun when the test was stopped was skipped. */}
          {steps.map((step) => (
            <StepRow
              key={`${step.step} ${step.target ?? ""}`}
              mark={
                <Mark outcome={!test.isPending && step.outcome === "running" ? "skipped" : step.outcome} />
              }
              name={step.name}
              target={step.target}
              text={step.text}
              remedy={step.remedy}
            />
          ))}
        </Stack>
      </Stack>
    </Paper>
  );
}

const MARKS = {
  ok: { Icon: IconCheck, color: "teal.8", label: "Passed" },
  failed: { Icon: IconX, color: "red.8", label: "Failed" },
  skipped: { Icon: IconMinus, color: "gray.7", label: "Skipped" },
} as const;

function Mark({ outcome }: { outcome: TrunkStep["outcome"] }) {
  if (outcome === "running") {
    return <Loader size={18} mt={2} role="img" aria-label="Running" />;
  }
  const { Icon, color, label } = MARKS[outcome];
  return (
    <ThemeIcon size="sm" radius="xl" color={color} mt={2}>
      <Icon size={14} aria-label={label} role="img" />
    </ThemeIcon>
  );
}
