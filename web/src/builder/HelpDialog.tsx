import { Kbd, Modal, Table, Text } from "@mantine/core";
import { KEYS } from "./useKeys";

/** All keys of the builder. */
export function HelpDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title="Keys of the builder" size="lg">
      <Text size="sm" mb="sm">
        With the mouse: drag a step from the left onto the canvas or onto a connection; drag from a port to a
        step, or let it go over nothing to add one there. The outline shows the same flow as a list, in which
        all can be done without the canvas.
      </Text>
      <Table verticalSpacing={4}>
        <Table.Tbody>
          {KEYS.map(([keys, text]) => (
            <Table.Tr key={keys}>
              <Table.Th w={230} fw={400}>
                <Kbd>{keys}</Kbd>
              </Table.Th>
              <Table.Td>{text}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Modal>
  );
}
