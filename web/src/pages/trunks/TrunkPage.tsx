import { Alert, Anchor, Button, Loader, Paper, Stack, Text, Title } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useParams } from "react-router";
import { registerWithTrunk, type TrunkState, trunkStatesKey, useTrunkStates } from "../../api/trunks";
import { useSession } from "../../app/session";
import { sentence } from "../../live/words";
import { Empty } from "../../ui/Empty";
import { Facts } from "../../ui/Facts";
import { whenText } from "../../ui/moments";
import { editLink } from "../../ui/ObjectTable";
import { Page } from "../../ui/Page";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { callsText, conditionOf, lastCallText, optionsText, registrationText } from "./state";
import { TrunkDoctor } from "./TrunkDoctor";

/** A trunk at work: how it is, and trying it. */
export function TrunkPage() {
  const { id = "" } = useParams();
  const { may } = useSession();
  const states = useTrunkStates();
  const state = states.data?.find((trunk) => trunk.id === id);
  return (
    <Page
      title={id}
      text="How the trunk is at this moment, as this server sees it."
      actions={
        <>
          {state?.registration && may("system.edit") && <RegisterButton id={id} />}
          <Button variant="default" component={Link} to={`/trunks${editLink(id)}`}>
            Its settings
          </Button>
        </>
      }
    >
      {states.error && <ProblemAlert error={states.error} retry={() => states.refetch()} />}
      {states.isPending && <Loader aria-label="Loading" />}
      {states.data && !state && (
        <Empty title={`This server knows no trunk ${id} yet`}>
          <Anchor component={Link} to="/trunks">
            All trunks
          </Anchor>
        </Empty>
      )}
      {state && (
        <Stack>
          <Condition state={state} />
          <Figures state={state} />
          <Rejects state={state} />
          {may("system.edit") && <TrunkDoctor key={id} id={id} />}
        </Stack>
      )}
    </Page>
  );
}

function Condition({ state }: { state: TrunkState }) {
  const why = state.why && (
    <Text size="sm" style={{ overflowWrap: "anywhere" }}>
      {sentence(state.why)}
    </Text>
  );
  switch (conditionOf(state)) {
    case "up":
      return (
        <Alert color="teal" title="Calls go over it">
          {why}
        </Alert>
      );
    case "unwatched":
      return (
        <Alert color="gray" title="Calls go over it, and this server does not watch whether it is there">
          <Text size="sm" style={{ overflowWrap: "anywhere" }}>
            {lastCallText(state)} To have it watched, set how often OPTIONS are sent, or test it below.
          </Text>
        </Alert>
      );
    case "waiting":
      return <Alert color="yellow" title="It does not have this server registered yet" />;
    case "refused":
      return (
        <Alert color="red" title="It refuses this server's registration, and no calls go out over it">
          {why}
        </Alert>
      );
    case "down":
      return (
        <Alert color="red" title="It is down, and no calls go out over it">
          {why}
        </Alert>
      );
  }
}

function Figures({ state }: { state: TrunkState }) {
  const options = optionsText(state);
  return (
    <Paper withBorder p="md">
      <Facts
        facts={[
          ["Registration", registrationText(state) ?? "This server does not register with it"],
          [
            "Last OPTIONS",
            options && state.lastOptions
              ? `${sentence(options)} ${whenText(state.lastOptions.at)}`
              : "none is sent to it",
          ],
          ["Calls in", callsText(state.callsIn, state.callsMaxIn)],
          ["Calls out", callsText(state.callsOut, state.callsMaxOut)],
          ["Calls in above its limits", state.refusedIn.toLocaleString()],
          ["Calls out above its limits", state.refusedOut.toLocaleString()],
        ]}
      />
    </Paper>
  );
}

/** Why calls came to nothing. */
function Rejects({ state: { lastRejectIn, lastRejectOut } }: { state: TrunkState }) {
  const text = (reject: TrunkState["lastRejectIn"]) =>
    reject ? `${sentence(reject.text)} ${whenText(reject.at)}` : "none since the server was started";
  return (
    <section>
      <Title order={2} size="h4" mb="sm">
        Calls that came to nothing
      </Title>
      <Paper withBorder p="md">
        <Facts
          facts={[
            ["The last from it that was refused here", text(lastRejectIn)],
            ["The last to it that did not get through", text(lastRejectOut)],
          ]}
        />
        <Text size="xs" c="dimmed" mt="sm">
          Busy and declined calls do not count: people said that.
        </Text>
      </Paper>
    </section>
  );
}

function RegisterButton({ id }: { id: string }) {
  const queries = useQueryClient();
  const register = useMutation({
    mutationFn: () => registerWithTrunk(id),
    onSuccess: () => {
      notifications.show({ message: `The registration with ${id} is tried now.`, color: "teal" });
      return queries.invalidateQueries({ queryKey: trunkStatesKey });
    },
    onError: (error) => notifications.show({ message: error.message, color: "red" }),
  });
  return (
    <Button variant="default" loading={register.isPending} onClick={() => register.mutate()}>
      Register now
    </Button>
  );
}
