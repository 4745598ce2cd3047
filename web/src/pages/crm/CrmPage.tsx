import { Alert, Anchor, Loader, Paper, Progress, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { Link } from "react-router";
import { type CrmState, useCrm } from "../../api/crm";
import { useSession } from "../../app/session";
import { sentence } from "../../live/words";
import { Facts } from "../../ui/Facts";
import { whenText } from "../../ui/moments";
import { Page } from "../../ui/Page";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { CrmCheck } from "./CrmCheck";
import { CrmSetUp } from "./CrmSetUp";
import { conditionOf, crmName, tasksText, usedShare } from "./state";

/** From then on the bar of the day's requests is red: what is left is kept for callers. */
const USED_SHARE_HIGH = 90;

/** How the connection to the CRM is, and trying it. */
export function CrmPage() {
  const { may } = useSession();
  const crm = useCrm(true);
  return (
    <Page
      title="Salesforce and CRM"
      text="What call flows look up about callers, and what is noted about their calls."
    >
      {crm.error && <ProblemAlert error={crm.error} retry={() => crm.refetch()} />}
      {crm.isPending && <Loader aria-label="Loading" />}
      {crm.data && (
        <Stack>
          {crm.data.kind ? <Connection state={crm.data} /> : <CrmSetUp />}
          <Waiting state={crm.data} />
          {crm.data.kind && may("system.edit") && <CrmCheck />}
        </Stack>
      )}
    </Page>
  );
}

function Connection({ state }: { state: CrmState }) {
  const { lastError, lastSuccess, requestsToday } = state;
  return (
    <>
      <Condition state={state} />
      <Paper withBorder p="md">
        <Facts
          facts={[
            ["Kind", state.kind === "salesforce" ? "Salesforce" : "A web service that stands for it"],
            ["Address", state.address],
            ["A task is made of", tasksText(state.tasks)],
            ["Each call also makes a", state.conversation],
            ["Last success", lastSuccess ? whenText(lastSuccess) : "none since the server was started"],
            ["Last error", lastError ? whenText(lastError.at) : "none since the server was started"],
            ["Requests since the start", state.requests.toLocaleString()],
            ["Of them failed", state.failures.toLocaleString()],
          ]}
        />
        {lastError && !state.isFailing && (
          <Text size="sm" c="dimmed" mt="sm" style={{ overflowWrap: "anywhere" }}>
            The last error was: {sentence(lastError.text)}
          </Text>
        )}
      </Paper>
      {requestsToday && <Requests requests={requestsToday} />}
    </>
  );
}

function Condition({ state }: { state: CrmState }) {
  const name = crmName(state.kind);
  switch (conditionOf(state)) {
    case "failing":
      return (
        <Alert color="red" title={`${name} did not take the last request`}>
          <Text size="sm" style={{ overflowWrap: "anywhere" }}>
            {state.lastError &&
              `${sentence(state.lastError.text)} That was at ${whenText(state.lastError.at)}. `}
            Calls go on, and what is to be noted is tried again.
          </Text>
        </Alert>
      );
    case "well":
      return <Alert color="teal" title={`${name} is connected`} />;
    default:
      return (
        <Alert color="gray" title={`${name} was not asked yet`}>
          <Text size="sm">Nothing was asked or told since the server was started.</Text>
        </Alert>
      );
  }
}

function Requests({ requests }: { requests: { used: number; all: number } }) {
  const share = usedShare(requests);
  return (
    <Paper withBorder p="md">
      <Text size="sm" c="dimmed">
        Requests that the whole org has used today
      </Text>
      <Text size="xl" fw={650}>
        {requests.used.toLocaleString()} of {requests.all.toLocaleString()}
      </Text>
      <Progress
        mt={4}
        value={share}
        color={share >= USED_SHARE_HIGH ? "red" : "cord"}
        aria-label="Share of the day's requests"
      />
    </Paper>
  );
}

/** What is still to be told, also where nothing is connected any more. */
function Waiting({ state: { outbox } }: { state: CrmState }) {
  return (
    <section>
      <Title order={2} size="h4" mb="sm">
        What is to be told
      </Title>
      <SimpleGrid cols={{ base: 1, xs: 3 }}>
        <Count name="Waiting" path="/outbox?state=waiting" count={outbox.waiting}>
          {outbox.oldest && `The first of them was made at ${whenText(outbox.oldest)}.`}
        </Count>
        <Count name="Set aside" path="/outbox?state=parked" count={outbox.parked}>
          {outbox.parked > 0 && "Somebody has to look at the reason."}
        </Count>
        <Count name="Given up" path="/outbox?state=dead" count={outbox.dead}>
          {outbox.dead > 0 && "The last of many tries failed, too."}
        </Count>
      </SimpleGrid>
    </section>
  );
}

type CountProps = { name: string; path: string; count: number; children?: React.ReactNode };

function Count({ name, path, count, children }: CountProps) {
  return (
    <Paper withBorder p="md">
      <Anchor component={Link} to={path} size="sm" underline="always">
        {name}
      </Anchor>
      <Text size="xl" fw={650}>
        {count.toLocaleString()}
      </Text>
      <Text size="xs" c="dimmed">
        {children}
      </Text>
    </Paper>
  );
}
