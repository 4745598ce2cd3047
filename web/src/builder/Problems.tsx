import { Badge, Stack, Text, Title, UnstyledButton } from "@mantine/core";
import { stepName } from "../flow/document";
import classes from "./Builder.module.css";
import { placeOf } from "./findings";
import { type Finding, useBuilder, useBuilderState } from "./store";

const ORDER: Finding["severity"][] = ["error", "warning", "note"];
const COLORS: Record<Finding["severity"], string> = { error: "red", warning: "orange", note: "gray" };
const WORDS: Record<Finding["severity"], string> = { error: "Error", warning: "Warning", note: "Note" };

/** What the server says about the flow. A press leads to the place. */
export function Problems() {
  const { builder, show } = useBuilder();
  const document = useBuilderState((state) => state.document);
  const findings = useBuilderState((state) => state.findings);
  const sorted = [...findings].sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
  const go = (finding: Finding) => {
    const { step, field } = placeOf(finding.pointer);
    builder.select(step === null ? [] : [step], field || null);
    builder.setPanel("step");
    if (step !== null) {
      show(step);
    }
  };
  return (
    <Stack gap="xs">
      <div>
        <Title order={2} size="h5">
          Problems
        </Title>
        <Text size="xs" c="dimmed">
          Errors keep the flow from being published; warnings do not.
        </Text>
      </div>
      {sorted.length === 0 && <Text size="sm">Nothing is wrong with this flow.</Text>}
      {sorted.map((finding) => {
        const { step } = placeOf(finding.pointer);
        return (
          <UnstyledButton
            key={`${finding.code} ${finding.pointer} ${finding.message}`}
            className={classes.finding ?? ""}
            onClick={() => go(finding)}
          >
            <Badge size="sm" variant="light" color={COLORS[finding.severity]} mr={6}>
              {WORDS[finding.severity]} {finding.code}
            </Badge>
            <Text size="sm" fw={600} component="span">
              {step === null ? "The flow" : stepName(document, step)}
            </Text>
            <Text size="sm">{finding.message}</Text>
            <Text size="xs" c="dimmed">
              {finding.remedy}
            </Text>
          </UnstyledButton>
        );
      })}
    </Stack>
  );
}
