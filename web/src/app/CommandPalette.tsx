import { Modal, Text, useComputedColorScheme, useMantineColorScheme, VisuallyHidden } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { Spotlight } from "@mantine/spotlight";
import { IconSearch } from "@tabler/icons-react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate } from "react-router";
import { actionCommands, type Command, type CommandGroup, findObjects, fits, pageCommands } from "./commands";
import { useSession } from "./session";

/** What scrolls can be reached by the keyboard. The list hands it on to its scroll area. */
const reachable = { viewportProps: { tabIndex: 0 } };

/** Pages, objects and actions by what is typed; Ctrl+K opens it from anywhere. */
export function CommandPalette() {
  const [typed, setTyped] = useState("");
  const navigate = useNavigate();
  const groups = useGroups(typed);
  const run = ({ path, run }: Command) => {
    run?.();
    if (path !== undefined) {
      void navigate(path);
    }
  };
  return (
    <Spotlight.Root
      query={typed}
      onQueryChange={setTyped}
      shortcut={["mod + K"]}
      tagsToIgnore={[]}
      scrollable
      maxHeight={460}
      transitionProps={{ duration: 0 }}
    >
      <VisuallyHidden>
        <Modal.Title>Search everything</Modal.Title>
      </VisuallyHidden>
      <Spotlight.Search
        placeholder="Go to a page, a call flow, a number, an agent …"
        aria-label="Search pages, objects and actions"
        leftSection={<IconSearch size={18} aria-hidden />}
      />
      <Spotlight.ActionsList aria-label="What was found" {...reachable}>
        {groups.map(({ label, commands }) => (
          <Spotlight.ActionsGroup key={label} label={label}>
            {commands.map((command) => (
              <Spotlight.Action key={command.key} onClick={() => run(command)}>
                <span>
                  <Text size="sm" component="span" display="block">
                    {command.label}
                  </Text>
                  {command.hint && (
                    <Text size="xs" component="span" display="block" opacity={0.8}>
                      {command.hint}
                    </Text>
                  )}
                </span>
              </Spotlight.Action>
            ))}
          </Spotlight.ActionsGroup>
        ))}
        {groups.length === 0 && <Spotlight.Empty>Nothing is called that.</Spotlight.Empty>}
      </Spotlight.ActionsList>
    </Spotlight.Root>
  );
}

function useGroups(typed: string): CommandGroup[] {
  const { may, signOut } = useSession();
  const { setColorScheme } = useMantineColorScheme();
  const next = useComputedColorScheme("light") === "dark" ? "light" : "dark";
  const [text] = useDebouncedValue(typed.trim(), 150);
  const found = useQuery({
    queryKey: ["commands", text],
    queryFn: () => findObjects(text),
    enabled: text !== "" && may("setup.read"),
    placeholderData: keepPreviousData,
  });
  const own: Command[] = [
    {
      key: "colours",
      label: next === "dark" ? "Dark colours" : "Light colours",
      run: () => setColorScheme(next),
    },
    { key: "sign out", label: "Sign out", run: () => void signOut() },
  ];
  const actions = [...actionCommands(may, typed), ...own.filter(({ label }) => fits(label, typed))];
  return [
    ...(text === "" || typed.trim() === "" ? [] : (found.data ?? [])),
    { label: "Pages", commands: pageCommands(may, typed) },
    { label: "Actions", commands: actions },
  ].filter(({ commands }) => commands.length > 0);
}

export default CommandPalette;
