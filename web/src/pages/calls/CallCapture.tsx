import { Button, Group, Loader, Progress, Stack, Text } from "@mantine/core";
import { IconDownload, IconPlayerRecord, IconPlayerStop } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, ask, Problem } from "../../api/client";
import { durationText, secondsBetween, useNow } from "../../ui/moments";
import { ProblemAlert } from "../../ui/ProblemAlert";

/** How often it is looked how far a capture is. */
const LOOK_EVERY_MS = 1_000;

type CallCaptureProps = { id: string; isLive: boolean };

/** Notes the packets of a call on demand, and hands them out as a file. */
export function CallCapture({ id, isLive }: CallCaptureProps) {
  const key = ["calls", id, "capture"];
  const queries = useQueryClient();
  const params = { params: { path: { id } } };
  const { data, error } = useQuery({
    queryKey: key,
    queryFn: async () => {
      try {
        return await ask(api.GET("/calls/{id}/capture/state", params));
      } catch (problem) {
        if (problem instanceof Problem && problem.status === 404) {
          return null;
        }
        throw problem;
      }
    },
    refetchInterval: (query) => {
      const state = query.state.data?.state;
      return state === "running" || state === "ending" ? LOOK_EVERY_MS : false;
    },
  });
  const again = () => queries.invalidateQueries({ queryKey: key });
  const begin = useMutation({
    mutationFn: () => ask(api.POST("/calls/{id}/capture", params)),
    onSettled: again,
  });
  const end = useMutation({
    mutationFn: () => ask(api.DELETE("/calls/{id}/capture", params)),
    onSettled: again,
  });
  const failure = begin.error ?? end.error ?? error;
  if (data === undefined && !failure) {
    return <Loader aria-label="Loading" />;
  }
  const state = data?.state ?? "none";
  return (
    <Stack gap="sm">
      <Text size="sm">
        The file has the call's SIP messages, and of its audio the headers of packets alone: when they came,
        from where, and how long they were. Neither voice nor keys are in it. Wireshark and tcpdump read it.
      </Text>
      {failure ? <ProblemAlert error={failure} /> : null}
      {data && state === "running" && <Running began={data.began ?? ""} ends={data.ends ?? ""} />}
      {state === "ending" && (
        <Text size="sm" role="status">
          The last packets are being fetched.
        </Text>
      )}
      {data && state === "done" && (
        <Text size="sm" role="status">
          {data.packets.toLocaleString()} packets of audio were noted.
          {data.leftOut > 0 && ` There was no room for ${data.leftOut.toLocaleString()} more.`}
        </Text>
      )}
      <Group gap="sm">
        {isLive && (state === "none" || state === "done") && (
          <Button
            leftSection={<IconPlayerRecord size={16} aria-hidden />}
            loading={begin.isPending}
            onClick={() => begin.mutate()}
          >
            {state === "done" ? "Capture again" : "Capture audio packets"}
          </Button>
        )}
        {state === "running" && (
          <Button
            variant="default"
            leftSection={<IconPlayerStop size={16} aria-hidden />}
            loading={end.isPending}
            onClick={() => end.mutate()}
          >
            Stop
          </Button>
        )}
        {state !== "running" && state !== "ending" && (
          <Button
            component="a"
            href={`/api/v1/calls/${encodeURIComponent(id)}/capture`}
            download
            variant="default"
            leftSection={<IconDownload size={16} aria-hidden />}
          >
            {state === "done" ? "Download packets" : "Download SIP packets"}
          </Button>
        )}
      </Group>
    </Stack>
  );
}

function Running({ began, ends }: { began: string; ends: string }) {
  const now = useNow();
  const whole = secondsBetween(began, ends);
  const past = Math.min(whole, secondsBetween(began, now));
  return (
    <Stack gap={4}>
      <Text size="sm" role="status">
        Packets are being noted.
      </Text>
      <Progress.Root size="lg" maw={420}>
        <Progress.Section
          value={whole > 0 ? (past / whole) * 100 : 0}
          aria-label="Time of the capture that is over"
        />
      </Progress.Root>
      <Text size="sm" c="dimmed">
        {durationText(past)} of {durationText(whole)}
      </Text>
    </Stack>
  );
}
