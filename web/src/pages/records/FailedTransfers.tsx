import { Table } from "@mantine/core";
import { sentence } from "../../live/words";
import { whenText } from "../../ui/moments";
import { kept } from "./erasure";
import type { FailedTransfer } from "./record";
import { Section } from "./Section";

/** Transfers that somebody asked for in vain. */
export function FailedTransfers({ transfers }: { transfers: FailedTransfer[] }) {
  if (transfers.length === 0) {
    return null;
  }
  return (
    <Section title="Transfers that came to nothing">
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>When</Table.Th>
            <Table.Th>Asked for by</Table.Th>
            <Table.Th>To</Table.Th>
            <Table.Th>Answered with</Table.Th>
            <Table.Th>Why</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {transfers.map((transfer, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a record never changes
            <Table.Tr key={at}>
              <Table.Td>{whenText(transfer.at)}</Table.Td>
              <Table.Td>{transfer.party}</Table.Td>
              <Table.Td>{transfer.to}</Table.Td>
              <Table.Td>{transfer.code}</Table.Td>
              <Table.Td style={{ overflowWrap: "anywhere" }}>
                {sentence(kept(transfer.reason) ?? "")}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Section>
  );
}
