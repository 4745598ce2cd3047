import { Alert, Button, List, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { Problem } from "../api/client";
import { problemText } from "./problemText";

/** What went wrong, in the server's words, with what it found where. */
export function ProblemAlert({ error, retry }: { error: unknown; retry?: () => void }) {
  // A single finding is mostly the message itself.
  const { message, findings: all } = error instanceof Problem ? error : { message: "", findings: [] };
  const findings = all.filter((finding) => finding.remedy || !message.includes(finding.message));
  return (
    <Alert color="red" variant="light" icon={<IconAlertTriangle aria-hidden />} role="alert">
      <Text size="sm">{problemText(error)}</Text>
      {findings.length > 0 && (
        <List size="sm" mt="xs">
          {findings.map((finding) => (
            <List.Item key={`${finding.pointer} ${finding.message}`}>
              {finding.pointer !== "" && <code>{finding.pointer}</code>} {finding.message}
              {finding.remedy ? ` (${finding.remedy})` : ""}
            </List.Item>
          ))}
        </List>
      )}
      {retry && (
        <Button size="xs" mt="sm" variant="default" onClick={retry}>
          Try again
        </Button>
      )}
    </Alert>
  );
}
