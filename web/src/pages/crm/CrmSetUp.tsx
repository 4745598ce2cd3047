import { Alert, Code, Paper, Stack, Text, Title } from "@mantine/core";

const SALESFORCE = `[salesforce]
login_url = "https://login.salesforce.com"
client_id = "the connected app's Consumer Key"
client_secret = "\${file:/etc/cordboard/salesforce.secret}"`;

const BRIDGE = `[crm]
bridge = "https://crm.example.com/calls"
secret = "\${file:/etc/cordboard/bridge.secret}"`;

/** What to write where no CRM is connected. */
export function CrmSetUp() {
  return (
    <Stack>
      <Alert color="gray" title="No CRM is connected">
        <Text size="sm">
          Tasks for abandoned calls wait in the outbox until one is, and steps that look something up there
          leave by their error port. A connection stands in the server’s configuration, as it holds secrets.
        </Text>
      </Alert>
      <Example title="Salesforce" text={SALESFORCE}>
        Write this into <Code>cordboard.toml</Code> and start the server again. Then this page tests it.{" "}
        <Code>docs/salesforce.md</Code> says how the connected app is made, which permissions its user needs,
        and how fields are mapped.
      </Example>
      <Example title="Another CRM" text={BRIDGE}>
        A web service of your own that stands for it: it answers look-ups and takes tasks, in requests that
        are signed.
      </Example>
    </Stack>
  );
}

type ExampleProps = { title: string; text: string; children: React.ReactNode };

function Example({ title, text, children }: ExampleProps) {
  return (
    <Paper withBorder p="md">
      <Title order={2} size="h4" mb="sm">
        {title}
      </Title>
      <Text size="sm" mb="sm">
        {children}
      </Text>
      <Code block style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
        {text}
      </Code>
    </Paper>
  );
}
