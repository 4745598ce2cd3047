import { Drawer, Group, Modal } from "@mantine/core";
import type { ReactNode } from "react";

type DialogProps = {
  isOpen: boolean;
  onClose: () => void;
  title: string;
  size?: string | number;
  /** Whether Escape and a click beside it close it too. */
  closesLightly?: boolean;
  children: ReactNode;
};

// The library's own header is a banner to screen readers, of which a page has one: here it is plain.

/** A dialog in the middle of the window. */
export function Dialog({ isOpen, onClose, title, size = "md", closesLightly = true, children }: DialogProps) {
  return (
    <Modal.Root
      opened={isOpen}
      onClose={onClose}
      size={size}
      closeOnClickOutside={closesLightly}
      closeOnEscape={closesLightly}
    >
      <Modal.Overlay />
      <Modal.Content>
        <Group justify="space-between" wrap="nowrap" p="md" pb={0}>
          <Modal.Title fw={650}>{title}</Modal.Title>
          <Modal.CloseButton aria-label="Close" />
        </Group>
        <Modal.Body pt="md">{children}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}

/** A dialog at the right side, for forms. */
export function SidePanel({
  isOpen,
  onClose,
  title,
  size = "lg",
  closesLightly = true,
  children,
}: DialogProps) {
  return (
    <Drawer.Root
      opened={isOpen}
      onClose={onClose}
      size={size}
      position="right"
      closeOnClickOutside={closesLightly}
      closeOnEscape={closesLightly}
    >
      <Drawer.Overlay />
      <Drawer.Content>
        <Group justify="space-between" wrap="nowrap" p="md" pb={0}>
          <Drawer.Title fw={650} style={{ overflowWrap: "anywhere" }}>
            {title}
          </Drawer.Title>
          <Drawer.CloseButton aria-label="Close" />
        </Group>
        <Drawer.Body pt="md">{children}</Drawer.Body>
      </Drawer.Content>
    </Drawer.Root>
  );
}
