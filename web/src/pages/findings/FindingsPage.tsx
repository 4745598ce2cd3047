import { Badge, Button, Loader, Stack, Table, Text, Title } from "@mantine/core";
import { IconRefresh } from "@tabler/icons-react";
import { Link } from "react-router";
import { type Finding, useFindings } from "../../api/findings";
import { sentence } from "../../live/words";
import { Empty } from "../../ui/Empty";
import { severities } from "../../ui/FindingsBanner";
import { Page } from "../../ui/Page";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { pathOf, wordOf } from "../../ui/places";

const order: Finding["severity"][] = ["error", "warning", "note"];

const headings: Record<Finding["severity"], string> = {
  error: "Stops calls or a publication",
  warning: "Allowed, but most likely not meant",
  note: "Good to know",
};

/** All that the server finds odd about the set-up. */
export function FindingsPage() {
  const findings = useFindings();
  const items = findings.data?.items ?? [];
  const again = (
    <Button
      variant="default"
      leftSection={<IconRefresh size={16} aria-hidden />}
      loading={findings.isFetching}
      onClick={() => findings.refetch()}
    >
      Look again
    </Button>
  );
  return (
    <Page
      title="What needs attention"
      text="What is wrong with the set-up, or allowed but most likely not meant, over all call flows, numbers, agents and trunks."
      actions={again}
    >
      {findings.error && <ProblemAlert error={findings.error} retry={() => findings.refetch()} />}
      {findings.isPending && <Loader aria-label="Loading" />}
      {findings.data && items.length === 0 && (
        <Empty
          title="Nothing needs attention"
          text="Numbers, call flows, agents, trunks and schedules fit together."
        />
      )}
      {order.map((severity) => (
        <Group
          key={severity}
          severity={severity}
          findings={items.filter((item) => item.severity === severity)}
        />
      ))}
      {findings.data?.more && <Text size="sm">There is more than is shown: mend these first.</Text>}
    </Page>
  );
}

function Group({ severity, findings }: { severity: Finding["severity"]; findings: Finding[] }) {
  if (findings.length === 0) {
    return null;
  }
  return (
    <Stack gap="xs">
      <Title order={2} size="h4">
        {headings[severity]}{" "}
        <Badge variant="dot" color={severities[severity].color}>
          {findings.length}
        </Badge>
      </Title>
      <Table verticalSpacing="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th w="30%">Where</Table.Th>
            <Table.Th>What, and what to do</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {findings.map((finding) => (
            <Table.Tr key={`${finding.kind} ${finding.id} ${finding.pointer} ${finding.message}`}>
              <Table.Td style={{ overflowWrap: "anywhere" }}>
                <Where finding={finding} />
              </Table.Td>
              <Table.Td style={{ overflowWrap: "anywhere" }}>
                <Text size="sm">{sentence(finding.message)}</Text>
                {finding.remedy && (
                  <Text size="sm" c="dimmed">
                    {sentence(finding.remedy)}
                  </Text>
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Stack>
  );
}

function Where({ finding: { kind, id, pointer } }: { finding: Finding }) {
  const path = pathOf(kind, id);
  const text = `${wordOf(kind)} ${id}`.trim();
  return (
    <>
      {path ? <Link to={path}>{text}</Link> : text}
      {pointer !== "" && (
        <Text size="xs" c="dimmed">
          {pointer.slice(1).replaceAll("/", " › ")}
        </Text>
      )}
    </>
  );
}
