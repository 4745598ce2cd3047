import { Loader, Stack, Text, ThemeIcon } from "@mantine/core";
import { IconCheck, IconX } from "@tabler/icons-react";
import type { CheckStep } from "../api/check";
import { StepRow } from "./StepRow";

/** The steps of a check as they come, and what came of all at its end. */
export function CheckSteps({ steps, isRunning }: { steps: CheckStep[]; isRunning: boolean }) {
  const failed = steps.filter((step) => !step.passed).length;
  const all =
    failed === 0 ? "All is well." : failed === 1 ? "One thing is wrong." : `${failed} things are wrong.`;
  return (
    <div>
      {isRunning ? (
        <Text size="sm" role="status" mb="xs">
          <Loader size="xs" mr="xs" role="presentation" />
          It is being tried, which may take some seconds.
        </Text>
      ) : (
        <Text size="sm" fw={600} role="status" mb="xs">
          {all}
        </Text>
      )}
      <Stack
        component="ul"
        gap="sm"
        aria-label="What was tried"
        style={{ listStyle: "none", margin: 0, padding: 0 }}
      >
        {steps.map((step) => (
          <StepRow
            key={step.name}
            mark={<Mark step={step} />}
            name={step.name}
            text={step.text}
            remedy={step.remedy}
          />
        ))}
      </Stack>
    </div>
  );
}

function Mark({ step: { passed } }: { step: CheckStep }) {
  const Icon = passed ? IconCheck : IconX;
  return (
    <ThemeIcon size="sm" radius="xl" color={passed ? "teal.8" : "red.8"} mt={2}>
      <Icon size={14} aria-label={passed ? "Passed" : "Failed"} role="img" />
    </ThemeIcon>
  );
}
