import {
  ActionIcon,
  AppShell,
  Burger,
  Group,
  NavLink as MantineNavLink,
  Menu,
  ScrollArea,
  Text,
  Title,
  Tooltip,
  useComputedColorScheme,
  useMantineColorScheme,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import {
  IconKey,
  IconLicense,
  IconLogout,
  IconMoon,
  IconSearch,
  IconSun,
  IconUserCircle,
} from "@tabler/icons-react";
import { lazy, Suspense, useEffect, useState } from "react";
import { Link, Outlet, useLocation } from "react-router";
import { Empty } from "../ui/Empty";
import { Logo } from "../ui/Logo";
import { pageAt, sections } from "./navigation";
import { useSession } from "./session";

/** Loaded once a page is there, which comes first: nobody types so soon. */
const PALETTE_AFTER_MS = 1_000;
const CommandPalette = lazy(() => import("./CommandPalette"));

/** The navigation around all pages. */
export function Shell() {
  const [isOpen, { toggle, close }] = useDisclosure(false);
  const { pathname } = useLocation();
  const { may } = useSession();
  const needs = pageAt(pathname)?.needs;
  const hasPages = sections.some((section) => section.pages.some((page) => may(page.needs)));
  const [hasPalette, setPalette] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setPalette(true), PALETTE_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new page closes the menu of a small window
  useEffect(close, [pathname, close]);
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 232, breakpoint: "md", collapsed: { mobile: !isOpen, desktop: !hasPages } }}
      padding="md"
    >
      <a className="skip-link" href="#main">
        Skip to the page
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            {hasPages && (
              <Burger opened={isOpen} onClick={toggle} hiddenFrom="md" size="sm" aria-label="Navigation" />
            )}
            <Link to="/" aria-label="cordboard" style={{ color: "inherit", textDecoration: "none" }}>
              <Logo />
            </Link>
          </Group>
          <Group gap="xs" wrap="nowrap">
            <SearchButton />
            <ColorSwitch />
            <UserMenu />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label="Pages">
        <ScrollArea>
          {sections.map((section) => {
            const pages = section.pages.filter((page) => may(page.needs));
            if (pages.length === 0) {
              return null;
            }
            return (
              <div key={section.label}>
                <Text size="xs" fw={600} c="dimmed" px="sm" pt="md" pb={4}>
                  {section.label}
                </Text>
                {pages.map((page) => (
                  <MantineNavLink
                    key={page.path}
                    component={Link}
                    to={page.path}
                    label={page.label}
                    leftSection={<page.icon size={18} stroke={1.6} aria-hidden />}
                    active={pathname === page.path || pathname.startsWith(`${page.path}/`)}
                    aria-current={pathname === page.path ? "page" : undefined}
                  />
                ))}
              </div>
            );
          })}
        </ScrollArea>
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1}>
        {needs === undefined || may(needs) ? <Outlet /> : <NotForRole />}
      </AppShell.Main>
      <Suspense>{hasPalette && <CommandPalette />}</Suspense>
    </AppShell>
  );
}

/** In place of a page that the server would refuse, with all its buttons. */
function NotForRole() {
  const { session } = useSession();
  return (
    <>
      <Title order={1}>Not for your role</Title>
      <Empty
        title={`Your role, ${session.role}, does not include this page`}
        text="An administrator can give you another role."
      >
        <Link to="/">Go to what you may see</Link>
      </Empty>
    </>
  );
}

function SearchButton() {
  const open = async () => (await import("@mantine/spotlight")).spotlight.open();
  return (
    <Tooltip label="Search everything (Ctrl+K)">
      <ActionIcon
        variant="default"
        size="lg"
        aria-label="Search everything (Ctrl+K)"
        onClick={() => void open()}
      >
        <IconSearch size={18} aria-hidden />
      </ActionIcon>
    </Tooltip>
  );
}

function ColorSwitch() {
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme("light");
  const next = scheme === "dark" ? "light" : "dark";
  return (
    <ActionIcon
      variant="default"
      size="lg"
      aria-label={next === "dark" ? "Dark colours" : "Light colours"}
      onClick={() => setColorScheme(next)}
    >
      {next === "dark" ? <IconMoon size={18} aria-hidden /> : <IconSun size={18} aria-hidden />}
    </ActionIcon>
  );
}

function UserMenu() {
  const { session, signOut } = useSession();
  const name = session.user?.name ?? session.role;
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon variant="default" size="lg" aria-label={`Signed in as ${name}`}>
          <IconUserCircle size={20} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {name} ({session.role})
        </Menu.Label>
        <Menu.Item component={Link} to="/profile" leftSection={<IconKey size={16} aria-hidden />}>
          Your sign-in
        </Menu.Item>
        <Menu.Item component={Link} to="/licences" leftSection={<IconLicense size={16} aria-hidden />}>
          Licences
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={() => signOut()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
