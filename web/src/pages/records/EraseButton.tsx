import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconEraser } from "@tabler/icons-react";
import { useSession } from "../../app/session";
import { EraseDialog } from "./EraseDialog";

/** Erases the caller of a record, for roles that may; nobody is left to erase where there is no number. */
export function EraseButton({ number }: { number: string }) {
  const { may } = useSession();
  const [isOpen, { open, close }] = useDisclosure(false);
  if (!may("records.erase")) {
    return null;
  }
  return (
    <>
      {number !== "" && (
        <Button
          variant="subtle"
          color="red"
          leftSection={<IconEraser size={16} aria-hidden />}
          onClick={open}
        >
          Erase this caller …
        </Button>
      )}
      {/* It shows its answer when the number is gone. */}
      <EraseDialog number={number} isOpen={isOpen} onClose={close} />
    </>
  );
}
