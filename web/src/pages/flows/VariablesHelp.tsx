import { Code, List, Text } from "@mantine/core";

const variables: [name: string, meaning: string][] = [
  ["call.from", "the caller's number; empty where it is withheld"],
  ["call.fromName", "the caller's name, where the network sends one"],
  ["call.fromAreaCode", "its area code"],
  ["call.fromCountryCode", "its country code"],
  ["call.divertedFrom", "who was called before and sent the call here"],
  ["call.to", "the number that was dialled"],
  ["call.numberLabel", "the label of that Smart Number"],
  ["call.startedAt", "when the call began"],
  ["call.id", "the call's id, as in its record"],
  ["contact.name", "whom the CRM knows under the caller's number; so are contact.id and contact.type"],
  ["owner_id", "the CRM's user to whom that record belongs"],
  ["flow.name", "the name of the call flow"],
  ["flow.version", "its version"],
];

/** What can stand in the texts of a task. */
export function VariablesHelp() {
  return (
    <details>
      <summary>Variables for subject and comments</summary>
      <List size="sm" mt="xs">
        {variables.map(([name, meaning]) => (
          <List.Item key={name}>
            <Code>{`{{${name}}}`}</Code> {meaning}
          </List.Item>
        ))}
        <List.Item>
          <Code>{"{{account}}"}</Code> whatever a step of the call flow saved under that name
        </List.Item>
        <List.Item>
          <Code>{'{{call.from | default: "unknown"}}'}</Code> a text where there is no value
        </List.Item>
      </List>
      <Text size="sm" c="dimmed">
        Entries that a step takes in secret are masked.
      </Text>
    </details>
  );
}
