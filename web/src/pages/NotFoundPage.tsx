import { Text } from "@mantine/core";
import { Link } from "react-router";
import { Page } from "../ui/Page";

export function NotFoundPage() {
  return (
    <Page title="There is no such page">
      <Text>
        The address leads nowhere. <Link to="/">Go to the call flows</Link>.
      </Text>
    </Page>
  );
}
