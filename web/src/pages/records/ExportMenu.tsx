import { Button, Menu, Text } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { plainMenu } from "../../ui/plainMenu";
import { type ExportFormat, FORMATS } from "./recordExport";
import type { Export } from "./useExport";

const formats = Object.entries(FORMATS) as [ExportFormat, (typeof FORMATS)[ExportFormat]][];

/** As what the records can be had that are searched. */
export function ExportMenu({ exporting, isFiltered }: { exporting: Export; isFiltered: boolean }) {
  const { start, status, isPending } = exporting;
  return (
    <div>
      <Menu position="bottom-end" width={290} {...plainMenu}>
        <Menu.Target>
          <Button variant="default" leftSection={<IconDownload size={16} aria-hidden />}>
            Export
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>{isFiltered ? "All calls that the search finds" : "All calls"}</Menu.Label>
          {formats.map(([format, { label, text }]) => (
            <Menu.Item key={format} disabled={isPending} onClick={() => start(format)}>
              {label}
              <Text size="xs" c="dimmed">
                {text}
              </Text>
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <Text size="xs" c="dimmed" role="status">
        {status}
      </Text>
    </div>
  );
}
