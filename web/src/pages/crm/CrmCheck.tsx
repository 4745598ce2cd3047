import { Button, Loader, Paper, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import { IconCheck, IconX } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type CheckStep, checkCrm, crmKey } from "../../api/crm";
import { sentence } from "../../live/words";
import { ProblemAlert } from "../../ui/ProblemAlert";

/** Tries the connection as an administrator would; for roles that may. */
export function CrmCheck() {
  const queries = useQueryClient();
  const check = useMutation({
    mutationFn: checkCrm,
    onSettled: () => queries.invalidateQueries({ queryKey: crmKey }),
  });
  return (
    <Paper withBorder p="md">
      <Title order={2} size="h4" mb={4}>
        Test the connection
      </Title>
      <Text size="sm" c="dimmed" mb="sm">
        Signs in, and looks whether all can be read and written that is needed. Nothing is written.
      </Text>
      <Stack align="flex-start">
        <Button loading={check.isPending} onClick={() => check.mutate()}>
          {check.data ? "Test it again" : "Test it"}
        </Button>
        {check.isPending && (
          <Text size="sm" role="status">
            <Loader size="xs" mr="xs" role="presentation" />
            It is being tried, which may take some seconds.
          </Text>
        )}
        {check.error && <ProblemAlert error={check.error} />}
        {check.data && !check.isPending && <Steps steps={check.data} />}
      </Stack>
    </Paper>
  );
}

function Steps({ steps }: { steps: CheckStep[] }) {
  const failed = steps.filter((step) => !step.passed).length;
  return (
    <div>
      <Text size="sm" fw={600} role="status" mb="xs">
        {failed === 0 ? "All is well." : failed === 1 ? "One thing is wrong." : `${failed} things are wrong.`}
      </Text>
      <Stack
        component="ul"
        gap="sm"
        aria-label="What was tried"
        style={{ listStyle: "none", margin: 0, padding: 0 }}
      >
        {steps.map((step) => (
          <Step key={step.name} step={step} />
        ))}
      </Stack>
    </div>
  );
}

function Step({ step }: { step: CheckStep }) {
  const Icon = step.passed ? IconCheck : IconX;
  return (
    <li style={{ display: "flex", gap: 8 }}>
      <ThemeIcon size="sm" radius="xl" color={step.passed ? "teal.8" : "red.8"} mt={2}>
        <Icon size={14} aria-label={step.passed ? "Passed" : "Failed"} role="img" />
      </ThemeIcon>
      <div style={{ minWidth: 0 }}>
        <Text size="sm" fw={600}>
          {step.name}
        </Text>
        <Text size="sm" style={{ overflowWrap: "anywhere" }}>
          {sentence(step.text)}
        </Text>
        {step.remedy && (
          <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
            {sentence(step.remedy)}
          </Text>
        )}
      </div>
    </li>
  );
}
