import { Table } from "@mantine/core";
import { offerText, sentence } from "../../live/words";
import { durationText } from "../../ui/moments";
import { kept } from "./erasure";
import type { Offer } from "./record";
import { Section } from "./Section";

/** Who was rung, over which trunk, and why nothing came of it. */
export function Offers({ offers }: { offers: Offer[] }) {
  if (offers.length === 0) {
    return null;
  }
  return (
    <Section title="Telephones that were rung">
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Who</Table.Th>
            <Table.Th>Trunk</Table.Th>
            <Table.Th>Rang for</Table.Th>
            <Table.Th>What became of it</Table.Th>
            <Table.Th>Why</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {offers.map((offer, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a record never changes
            <Table.Tr key={at}>
              <Table.Td>{offer.agent}</Table.Td>
              <Table.Td>{offer.trunk}</Table.Td>
              <Table.Td>{durationText(offer.ringSec)}</Table.Td>
              <Table.Td>{offerText(offer.result)}</Table.Td>
              <Table.Td style={{ overflowWrap: "anywhere" }}>{sentence(kept(offer.reason) ?? "")}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Section>
  );
}
