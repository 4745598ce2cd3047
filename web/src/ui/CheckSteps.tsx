import { Loader, Stack, Text, ThemeIcon } from "@mantine/core";
import { IconCheck, IconX } from "@tabler/icons-react";
import type { CheckStep } from "../api/check";
import { sentence } from "../live/words";

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
