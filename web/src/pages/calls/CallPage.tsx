import {
  Alert,
  Anchor,
  Button,
  Group,
  Loader,
  Paper,
  SimpleGrid,
  Stack,
  Tabs,
  Text,
  Title,
} from "@mantine/core";
import { IconPhoneOff } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { Link, useParams } from "react-router";
import { api, ask } from "../../api/client";
import { useSession } from "../../app/session";
import { useFlowName, useStepNames } from "../../live/flowNames";
import { partiesOf, stageOf, type WatchedCall } from "../../live/model";
import { PathList } from "../../live/PathList";
import { type LegNews, type Visit, walkOf } from "../../live/path";
import { useLiveCall } from "../../live/useLive";
import { WalkCanvas } from "../../live/WalkCanvas";
import { endReasonText, legStateText, outcomeText } from "../../live/words";
import { Empty } from "../../ui/Empty";
import { Facts } from "../../ui/Facts";
import { timeText, whenText } from "../../ui/moments";
import { Page } from "../../ui/Page";
import { PersonLink } from "../../ui/PersonLink";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { CallAudio, useCallMedia } from "./CallAudio";
import { CallCapture } from "./CallCapture";
import { CallLadder } from "./CallLadder";
import { Elapsed, StageBadge, StreamAlert } from "./CallsPage";
import { HangUpDialog } from "./HangUpDialog";
import { Troubles } from "./Troubles";

/** A call in progress, walking through its flow. */
export function CallPage() {
  const { id = "" } = useParams();
  const view = useLiveCall(id);
  const { call } = view;
  const { may } = useSession();
  const [leaving, setLeaving] = useState<WatchedCall | null>(null);
  const title = call ? `Call from ${call.from || "an anonymous caller"}` : "Call";
  const isOver = view.isGone && call?.ended === undefined;
  const canHangUp = !isOver && call !== undefined && call.ended === undefined && may("calls.steer");
  return (
    <Page
      title={title}
      text="Where the call is in its flow, as it happens."
      actions={
        canHangUp && (
          <Button
            color="red.9"
            leftSection={<IconPhoneOff size={16} aria-hidden />}
            onClick={() => setLeaving(call)}
          >
            Hang up
          </Button>
        )
      }
    >
      <Anchor component={Link} to="/calls" size="sm">
        All live calls
      </Anchor>
      <StreamAlert stream={view.stream} />
      {call === undefined && view.error !== null && <ProblemAlert error={view.error} retry={view.reload} />}
      {call === undefined && view.error === null && !view.isLoaded && <Loader aria-label="Loading" />}
      {isOver && <Over id={id} />}
      {call && !isOver && <CallView call={call} missed={view.missed} />}
      <HangUpDialog call={leaving} close={() => setLeaving(null)} />
    </Page>
  );
}

/** The call is not in progress: its record has what happened. */
function Over({ id }: { id: string }) {
  const record = useRecordLink(id);
  const { may } = useSession();
  return (
    <>
      <Empty title="This call is not in progress" text="It is over, or there never was such a call.">
        {record && <Link to={record}>See its record</Link>}
      </Empty>
      {may("calls.inspect") && (
        <Tabs defaultValue="sip" keepMounted={false}>
          <Tabs.List>
            <Tabs.Tab value="sip">SIP</Tabs.Tab>
            <Tabs.Tab value="capture">Capture</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="sip" pt="md">
            <CallLadder id={id} />
          </Tabs.Panel>
          <Tabs.Panel value="capture" pt="md">
            <CallCapture id={id} isLive={false} />
          </Tabs.Panel>
        </Tabs>
      )}
    </>
  );
}

/** Where the record of a call is; it comes into the database a moment after the call is over. */
function useRecordLink(id: string): string | undefined {
  const { data } = useQuery({
    queryKey: ["records", "of-call", id],
    queryFn: async () => {
      const page = await ask(api.GET("/records", { params: { query: { call: id, limit: 1 } } }));
      return page.items[0] ?? null;
    },
    refetchInterval: (query) => (query.state.data ? false : 1_000),
  });
  return data ? `/records/${encodeURIComponent(data.node)}/${encodeURIComponent(data.callId)}` : undefined;
}

function CallView({ call, missed }: { call: WatchedCall; missed: number }) {
  const flowName = useFlowName();
  const { flowId, version, ended } = call;
  const { may } = useSession();
  const isLive = ended === undefined;
  const media = useCallMedia(call.id, isLive);
  return (
    <Stack>
      {isLive && media.data && <Troubles troubles={media.data.troubles} />}
      {ended && <EndAlert id={call.id} reason={ended.reason} outcome={ended.outcome} at={ended.at} />}
      <Paper withBorder p="md">
        <Facts
          facts={[
            ["State", ended ? "Over" : <StageBadge key="stage" stage={stageOf(call)} />],
            ["Time", ended ? null : <Elapsed key="time" since={call.started} />],
            ["Step", call.step?.name],
            ["Agent", partiesOf(call).join(", ")],
            ["Caller", call.from || "anonymous"],
            ["In the CRM", call.contact && <PersonLink key="person" person={call.contact} />],
            ["Number", call.number],
            [
              "Call flow",
              flowId
                ? `${flowName(flowId)}, version ${version ?? "?"}`
                : "none: the number is answered by a service",
            ],
            ["Since", whenText(call.started)],
            ["Call id", call.id],
          ]}
        />
      </Paper>
      <Tabs defaultValue="way" keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="way">Way</Tabs.Tab>
          <Tabs.Tab value="audio">Audio</Tabs.Tab>
          {may("calls.inspect") && <Tabs.Tab value="sip">SIP</Tabs.Tab>}
          {may("calls.inspect") && <Tabs.Tab value="capture">Capture</Tabs.Tab>}
        </Tabs.List>
        <Tabs.Panel value="way" pt="md">
          <Way call={call} missed={missed} />
        </Tabs.Panel>
        <Tabs.Panel value="audio" pt="md">
          <CallAudio media={isLive ? media.data : null} error={isLive ? media.error : null} isLive={isLive} />
        </Tabs.Panel>
        {may("calls.inspect") && (
          <Tabs.Panel value="sip" pt="md">
            <CallLadder id={call.id} />
          </Tabs.Panel>
        )}
        {may("calls.inspect") && (
          <Tabs.Panel value="capture" pt="md">
            <CallCapture id={call.id} isLive={isLive} />
          </Tabs.Panel>
        )}
      </Tabs>
    </Stack>
  );
}

/** The steps that the call went through, in words and on the canvas. */
function Way({ call, missed }: { call: WatchedCall; missed: number }) {
  const walk = useMemo(() => walkOf(call), [call]);
  const names = useStepNames(versionsOf(call, walk.visits));
  const { flowId, version, ended } = call;
  return (
    <Stack>
      <SimpleGrid cols={{ base: 1, lg: flowId && version ? 2 : 1 }}>
        <Paper withBorder p="md">
          <Title order={2} size="h4" mb="sm">
            Its way so far
          </Title>
          {!walk.isWhole && (
            <Text size="sm" c="dimmed" mb="sm">
              {missed > 0
                ? "Some of what happened was missed here; the call's record will have all of it."
                : "What came before you opened this page may be missing here; the call's record will have all of it."}
            </Text>
          )}
          {walk.visits.length === 0 ? (
            <Text size="sm">It has not entered a step yet.</Text>
          ) : (
            <PathList
              visits={walk.visits}
              flow={flowId}
              version={version}
              names={names}
              isLive={ended === undefined}
              end={ended && endReasonText(ended.reason)}
            />
          )}
        </Paper>
        {flowId && version ? (
          <WalkCanvas visits={walk.visits} flow={flowId} version={version} isLive={ended === undefined} />
        ) : null}
      </SimpleGrid>
      {walk.legs.length > 0 && <Legs legs={walk.legs} />}
    </Stack>
  );
}

function versionsOf(call: WatchedCall, visits: Visit[]): { flow: string; version: number }[] {
  const own = call.flowId && call.version ? [{ flow: call.flowId, version: call.version }] : [];
  const others = visits.flatMap(({ flow, version }) => (flow && version ? [{ flow, version }] : []));
  return [...own, ...others];
}

type EndAlertProps = { id: string; reason: string; outcome: string | undefined; at: string };

function EndAlert({ id, reason, outcome, at }: EndAlertProps) {
  const record = useRecordLink(id);
  return (
    <Alert color="gray" title="The call is over" role="status">
      <Group gap="sm">
        <Text size="sm">
          {endReasonText(reason)} {outcome ? `${outcomeText(outcome)}, ` : ""}
          {timeText(at)}
        </Text>
        {record && <Link to={record}>See its record</Link>}
      </Group>
    </Alert>
  );
}

function Legs({ legs }: { legs: LegNews[] }) {
  return (
    <Paper withBorder p="md">
      <Title order={2} size="h4" mb="sm">
        Telephones that were called
      </Title>
      <Stack gap={4} component="ul" style={{ listStyle: "none", margin: 0, padding: 0 }}>
        {legs.map((leg, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: only ever added at the end
          <Text key={at} size="sm" component="li">
            <Text span c="dimmed" size="sm">
              {timeText(leg.at)}
            </Text>{" "}
            {leg.party} {legStateText(leg.state)}
          </Text>
        ))}
      </Stack>
    </Paper>
  );
}
