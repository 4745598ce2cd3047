import { licences } from "virtual:licences";
import { Accordion, Group, Text } from "@mantine/core";
import { Page } from "../../ui/Page";

/** What the console is made of besides our own. */
export function LicencesPage() {
  return (
    <Page
      title="Licences"
      text={`This console contains ${licences.length} packages of others, each under its own licence.`}
    >
      <Accordion variant="separated" maw={820} chevronPosition="left">
        {licences.map(({ name, version, licence, text }) => (
          <Accordion.Item key={`${name} ${version}`} value={`${name} ${version}`}>
            <Accordion.Control>
              <Group justify="space-between">
                <span>
                  {name} {version}
                </span>
                <Text size="sm" c="dimmed" component="span">
                  {licence}
                </Text>
              </Group>
            </Accordion.Control>
            <Accordion.Panel>
              <Text size="xs" ff="monospace" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
                {text || "The package names its licence and brings no text of it."}
              </Text>
            </Accordion.Panel>
          </Accordion.Item>
        ))}
      </Accordion>
    </Page>
  );
}
