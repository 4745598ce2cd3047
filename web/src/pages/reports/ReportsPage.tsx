import { Tabs } from "@mantine/core";
import { Page } from "../../ui/Page";
import { CallsReport } from "./CallsReport";
import { StepsReport } from "./StepsReport";

export function ReportsPage() {
  return (
    <Page
      title="Reports"
      text="How many calls came and how many callers gave up, over time and step by step."
    >
      <Tabs defaultValue="calls" keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="calls">Calls over time</Tabs.Tab>
          <Tabs.Tab value="steps">Where callers leave</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="calls">
          <CallsReport />
        </Tabs.Panel>
        <Tabs.Panel value="steps">
          <StepsReport />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}
