import { Alert, Anchor, Badge, List, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { Link } from "react-router";
import { about, type Finding, useFindings } from "../api/findings";
import { sentence } from "../live/words";

/** How urgent it is, by the words of the API. */
export const severities: Record<Finding["severity"], { color: string; word: string }> = {
  error: { color: "red", word: "Stops calls" },
  warning: { color: "yellow", word: "Check this" },
  note: { color: "blue", word: "Note" },
};

/** What the server finds odd about one object, above its form. */
export function FindingsOf({ kind, id }: { kind: string; id: string }) {
  const findings = about(useFindings().data?.items, kind, id);
  if (findings.length === 0) {
    return null;
  }
  const color = findings.some((finding) => finding.severity === "error") ? "red" : "yellow";
  return (
    <Alert
      color={color}
      variant="light"
      mb="md"
      icon={<IconAlertTriangle aria-hidden />}
      title="Look at this"
    >
      <List size="sm">
        {findings.map((finding) => (
          <List.Item key={`${finding.pointer} ${finding.message}`}>
            {sentence(finding.message)}
            {finding.remedy && ` ${sentence(finding.remedy)}`}
          </List.Item>
        ))}
      </List>
    </Alert>
  );
}

/** Above a list: how many of its objects need attention, and what is to say about all of them. */
export function FindingsBanner({ kind }: { kind: string }) {
  const findings = (useFindings().data?.items ?? []).filter((finding) => finding.kind === kind);
  if (findings.length === 0) {
    return null;
  }
  const ofAll = findings.filter((finding) => finding.id === "");
  const objects = new Set(findings.filter((finding) => finding.id !== "").map((finding) => finding.id));
  const color = findings.some((finding) => finding.severity === "error") ? "red" : "yellow";
  return (
    <Alert color={color} variant="light" icon={<IconAlertTriangle aria-hidden />}>
      {ofAll.map((finding) => (
        <Text size="sm" key={finding.message}>
          {sentence(finding.message)}
          {finding.remedy && ` ${sentence(finding.remedy)}`}
        </Text>
      ))}
      {objects.size > 0 && (
        <Text size="sm">
          {objects.size === 1 ? "One of these needs" : `${objects.size} of these need`} attention.{" "}
          <Anchor component={Link} to="/findings" size="sm" underline="always">
            See what and why
          </Anchor>
        </Text>
      )}
    </Alert>
  );
}

/** In a row: this object needs attention. */
export function FindingMark({ kind, id }: { kind: string; id: string }) {
  const found = about(useFindings().data?.items, kind, id);
  const worst = found.find((finding) => finding.severity === "error") ?? found[0];
  if (!worst) {
    return null;
  }
  const { color, word } = severities[worst.severity];
  return (
    <Badge color={color} variant="dot" size="sm" title={worst.message}>
      {word}
    </Badge>
  );
}
