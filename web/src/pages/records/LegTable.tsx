import { Table, Text } from "@mantine/core";
import type { LegRecord } from "./record";

/** What is heard: above these a person notices. */
const LOST_SHARE_MAX = 0.02;
const JITTER_MS_MAX = 40;
const ROUND_TRIP_MS_MAX = 300;

/** How the audio of each telephone was, in figures and in words. */
export function LegTable({ legs }: { legs: LegRecord[] }) {
  return (
    <Table>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Who</Table.Th>
          <Table.Th>Codec</Table.Th>
          <Table.Th>Audio</Table.Th>
          <Table.Th visibleFrom="sm">Packets in / out</Table.Th>
          <Table.Th visibleFrom="sm">Lost in / out</Table.Th>
          <Table.Th visibleFrom="md">Jitter in / out</Table.Th>
          <Table.Th visibleFrom="md">There and back</Table.Th>
          <Table.Th visibleFrom="md">MOS, estimated</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {legs.map((leg, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a record never changes
          <Table.Tr key={at}>
            <Table.Td>{leg.party}</Table.Td>
            <Table.Td>{leg.codec}</Table.Td>
            <Table.Td>
              <Text size="sm">{audioText(leg)}</Text>
            </Table.Td>
            <Table.Td visibleFrom="sm">
              {leg.packetsReceived} / {leg.packetsSent}
            </Table.Td>
            <Table.Td visibleFrom="sm">
              {leg.packetsLost} / {leg.reportedLost}
            </Table.Td>
            <Table.Td visibleFrom="md">
              {milliseconds(leg.jitterUs)} / {milliseconds(leg.reportedJitterUs)}
            </Table.Td>
            <Table.Td visibleFrom="md">
              {leg.roundTripUs === 0 ? "not told" : milliseconds(leg.roundTripUs)}
            </Table.Td>
            <Table.Td visibleFrom="md">{leg.mos === undefined ? "–" : leg.mos.toFixed(1)}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function milliseconds(microseconds: number): string {
  return `${Math.round(microseconds / 100) / 10} ms`;
}

/** What the figures mean. */
export function audioText(leg: LegRecord): string {
  const words: string[] = [];
  if (leg.packetsReceived === 0) {
    words.push(
      leg.packetsRefused > 0 ? "Audio came from an address that was not expected." : "No audio came from it.",
    );
  }
  if (share(leg.packetsLost, leg.packetsReceived) > LOST_SHARE_MAX) {
    words.push("Much of its audio was lost on the way to us.");
  }
  if (share(leg.reportedLost, leg.packetsSent) > LOST_SHARE_MAX) {
    words.push("Much of our audio was lost on the way there.");
  }
  if (leg.jitterUs > JITTER_MS_MAX * 1_000 || leg.reportedJitterUs > JITTER_MS_MAX * 1_000) {
    words.push("It came unevenly.");
  }
  if (leg.roundTripUs > ROUND_TRIP_MS_MAX * 1_000) {
    words.push("The way is long: people talk over each other.");
  }
  return words.length === 0 ? "Good." : words.join(" ");
}

function share(lost: number, arrived: number): number {
  return lost === 0 ? 0 : lost / (lost + arrived);
}
