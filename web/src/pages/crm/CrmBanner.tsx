import { Alert, Anchor, Group, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { Link } from "react-router";
import { useCrm } from "../../api/crm";
import { useSession } from "../../app/session";
import { attention, conditionOf } from "./state";

/** Where the connection to the CRM fails, or something is set aside: what, and where to look. Else nothing. */
export function CrmBanner() {
  const { may } = useSession();
  const { data } = useCrm(may("setup.read"));
  const said = data ? attention(data) : [];
  if (!data || said.length === 0) {
    return null;
  }
  const { parked, dead } = data.outbox;
  return (
    <Alert color="orange" variant="light" icon={<IconAlertTriangle aria-hidden />} title="Look at the CRM">
      {said.map((sentence) => (
        <Text size="sm" key={sentence}>
          {sentence}
        </Text>
      ))}
      <Group gap="md" mt={4}>
        {conditionOf(data) !== "none" && <To path="/crm">Its connection</To>}
        {parked > 0 && <To path="/outbox?state=parked">What is set aside</To>}
        {dead > 0 && <To path="/outbox?state=dead">What is given up</To>}
      </Group>
    </Alert>
  );
}

function To({ path, children }: { path: string; children: string }) {
  return (
    <Anchor component={Link} to={path} size="sm" underline="always">
      {children}
    </Anchor>
  );
}
