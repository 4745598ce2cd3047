import { Alert, Stack, Text } from "@mantine/core";
import { IconAlertTriangle, IconInfoCircle } from "@tabler/icons-react";
import type { Schema } from "../../api/client";

/** Of a call in progress, or of a record. */
type Trouble = Omit<Schema<"TroubleItem">, "leg"> & { leg: number | string };

const COLORS: Record<Trouble["severity"], string> = { error: "red", warning: "yellow", info: "gray" };

/** What is wrong with a call, and what to do about it. Told anew only where a trouble comes, not with each second of it. */
export function Troubles({ troubles }: { troubles: Trouble[] }) {
  return (
    <Stack gap="xs">
      {troubles.map((trouble) => (
        <Alert
          key={`${trouble.leg} ${trouble.kind}`}
          color={COLORS[trouble.severity]}
          icon={
            trouble.severity === "info" ? <IconInfoCircle aria-hidden /> : <IconAlertTriangle aria-hidden />
          }
          role="group"
          aria-label="Trouble in this call"
        >
          <Text size="sm">{trouble.text}</Text>
          {trouble.remedy !== "" && (
            <Text size="sm" mt={4}>
              <Text span size="sm" fw={600}>
                What to do:
              </Text>{" "}
              {trouble.remedy}
            </Text>
          )}
        </Alert>
      ))}
    </Stack>
  );
}
