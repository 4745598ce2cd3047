import { ActionIcon, Menu } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconDots } from "@tabler/icons-react";
import { useRef } from "react";
import { useSession } from "../../app/session";
import { plainMenu } from "../../ui/plainMenu";
import { EraseDialog } from "./EraseDialog";

/** What is done with records seldom; nothing where the role may do none of it. */
export function RecordsMenu() {
  const { may } = useSession();
  const [isErasing, { open, close }] = useDisclosure(false);
  const button = useRef<HTMLButtonElement>(null);
  // The dialog gives the focus back to what has it now; the item of the menu will be gone.
  const erase = () => {
    button.current?.focus();
    open();
  };
  if (!may("records.erase")) {
    return null;
  }
  return (
    <>
      <Menu position="bottom-end" {...plainMenu}>
        <Menu.Target>
          <ActionIcon ref={button} variant="default" size={36} aria-label="More">
            <IconDots size={16} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={erase}>Erase a caller …</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <EraseDialog number="" isOpen={isErasing} onClose={close} />
    </>
  );
}
