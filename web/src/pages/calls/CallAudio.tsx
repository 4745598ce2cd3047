import { Badge, Loader, Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, ask, Problem, type Schema } from "../../api/client";
import { Empty } from "../../ui/Empty";
import { ProblemAlert } from "../../ui/ProblemAlert";

type Media = Schema<"CallMedia">;
type Audio = Schema<"AudioItem">;

/** How often the figures are asked for while somebody looks. */
const LOOK_EVERY_MS = 2_000;

/** The audio of a call in progress; nothing once it is over. */
export function useCallMedia(id: string, isLive: boolean) {
  return useQuery({
    queryKey: ["calls", id, "media"],
    queryFn: async (): Promise<Media | null> => {
      try {
        return await ask(api.GET("/calls/{id}/media", { params: { path: { id } } }));
      } catch (error) {
        // Over by now.
        if (error instanceof Problem && error.status === 404) {
          return null;
        }
        throw error;
      }
    },
    enabled: isLive,
    refetchInterval: LOOK_EVERY_MS,
  });
}

const FIGURES: [name: string, of: (audio: Audio) => string][] = [
  ["Quality (MOS, an estimate)", (audio) => (audio.mos == null ? "–" : audio.mos.toFixed(1))],
  ["Last packet", (audio) => (audio.sinceLastSec == null ? "none came" : sinceText(audio.sinceLastSec))],
  ["Lost on the way to us, now", (audio) => `${audio.lossPercent} %`],
  ["Lost on the way there, now", (audio) => `${audio.lossTherePercent} %`],
  ["Jitter", (audio) => `${audio.jitterMs} ms`],
  ["There and back", (audio) => (audio.roundTripMs == null ? "not reported" : `${audio.roundTripMs} ms`)],
  ["Packets received", (audio) => amount(audio.packetsReceived, audio.bytesReceived)],
  ["Packets sent", (audio) => amount(audio.packetsSent, audio.bytesSent)],
  ["Packets lost in all", (audio) => audio.packetsLost.toLocaleString()],
  ["Packets refused (strangers)", (audio) => audio.packetsRefused.toLocaleString()],
  ["Packets that cannot be used", (audio) => audio.packetsUnusable.toLocaleString()],
  ["Audio comes from", (audio) => audio.source],
];

function sinceText(seconds: number): string {
  return seconds < 1 ? "just now" : `${Math.round(seconds)} s ago`;
}

function amount(packets: number, bytes: number): string {
  return `${packets.toLocaleString()} (${Math.round(bytes / 1_000).toLocaleString()} kB)`;
}

type CallAudioProps = { media: Media | null | undefined; error: unknown; isLive: boolean };

/** The figures of each leg, side by side. */
export function CallAudio({ media, error, isLive }: CallAudioProps) {
  if (error) {
    return <ProblemAlert error={error} />;
  }
  if (!media) {
    return isLive ? (
      <Loader aria-label="Loading" />
    ) : (
      <Empty title="The call is over" text="Its record has the figures of each leg." />
    );
  }
  return (
    <Table.ScrollContainer minWidth={420} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
      <Table verticalSpacing="xs" aria-label="Audio of each leg">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Figure</Table.Th>
            {media.legs.map((leg) => (
              <Table.Th key={leg.leg}>
                {leg.party === "caller" ? "Caller" : leg.party}
                {leg.onHold && (
                  <Badge variant="default" size="sm" tt="none" ml="xs">
                    on hold
                  </Badge>
                )}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          <Row name="Codec" legs={media.legs} of={(leg) => leg.codec ?? "not agreed yet"} />
          <Row name="The SDP says" legs={media.legs} of={(leg) => leg.sdp ?? "–"} />
          {FIGURES.map(([name, of]) => (
            <Row key={name} name={name} legs={media.legs} of={(leg) => (leg.audio ? of(leg.audio) : "–")} />
          ))}
        </Table.Tbody>
      </Table>
      <Text size="sm" c="dimmed" mt="xs">
        MOS is not measured but estimated from loss, delay and jitter (ITU-T G.107, simplified): 4 is good,
        below 3 people complain.
      </Text>
    </Table.ScrollContainer>
  );
}

type RowProps = { name: string; legs: Media["legs"]; of: (leg: Media["legs"][number]) => string };

function Row({ name, legs, of }: RowProps) {
  return (
    <Table.Tr>
      <Table.Th scope="row" fw={400} c="dimmed">
        {name}
      </Table.Th>
      {legs.map((leg) => (
        <Table.Td key={leg.leg}>{of(leg)}</Table.Td>
      ))}
    </Table.Tr>
  );
}
