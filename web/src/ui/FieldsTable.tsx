import { Table } from "@mantine/core";
import type { ReactNode } from "react";

/** Names and values of what another system gets, small. */
export function FieldsTable({ fields }: { fields: readonly (readonly [string, ReactNode])[] }) {
  return (
    <Table verticalSpacing={2} horizontalSpacing="xs" mt={4}>
      <Table.Tbody>
        {fields.map(([name, value]) => (
          <Table.Tr key={name}>
            <Table.Th fw={400} fz="xs" style={{ verticalAlign: "top" }}>
              {name}
            </Table.Th>
            <Table.Td fz="xs" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
              {value}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
