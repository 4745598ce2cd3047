import { Modal, type ModalProps } from "@mantine/core";

/** A dialog of the builder. Its head is no banner of the page, and its cross has a name. */
export function Dialog(props: ModalProps) {
  return (
    <Modal
      closeButtonProps={{ "aria-label": "Close" }}
      attributes={{ header: { role: "presentation" } }}
      transitionProps={{ duration: 0 }}
      {...props}
    />
  );
}
