import { notifications } from "@mantine/notifications";

/** Says in the corner how something went. */
export function notify(kind: "done" | "failed" | "hint", message: string, title?: string): void {
  const color = { done: "teal", failed: "red", hint: "orange" }[kind];
  notifications.show({
    color,
    message,
    ...(title && { title }),
    closeButtonProps: { "aria-label": "Close" },
  });
}
