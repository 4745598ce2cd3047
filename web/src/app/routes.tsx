import { createBrowserRouter } from "react-router";
import { askAhead } from "../builder/ahead";
import { FlowsPage } from "../pages/flows/FlowsPage";
import { NotFoundPage } from "../pages/NotFoundPage";
import { HomePage } from "./HomePage";
import { Shell } from "./Shell";

export const router = createBrowserRouter([
  {
    path: "/",
    element: <Shell />,
    // Before the first page is there, which may still have to be loaded.
    hydrateFallbackElement: <div />,
    children: [
      { index: true, element: <HomePage /> },
      // Where the set-up link led, once somebody is signed in.
      { path: "setup", element: <HomePage /> },
      { path: "flows", element: <FlowsPage /> },
      {
        path: "calls",
        lazy: async () => ({ Component: (await import("../pages/calls/CallsPage")).CallsPage }),
      },
      {
        path: "calls/:id",
        lazy: async () => ({ Component: (await import("../pages/calls/CallPage")).CallPage }),
      },
      {
        path: "records",
        lazy: async () => ({ Component: (await import("../pages/records/RecordsPage")).RecordsPage }),
      },
      {
        path: "records/:node/:id",
        lazy: async () => ({ Component: (await import("../pages/records/RecordPage")).RecordPage }),
      },
      {
        path: "abandoned",
        lazy: async () => ({ Component: (await import("../pages/abandoned/AbandonedPage")).AbandonedPage }),
      },
      {
        path: "reports",
        lazy: async () => ({ Component: (await import("../pages/reports/ReportsPage")).ReportsPage }),
      },
      {
        path: "crm",
        lazy: async () => ({ Component: (await import("../pages/crm/CrmPage")).CrmPage }),
      },
      {
        path: "outbox",
        lazy: async () => ({ Component: (await import("../pages/outbox/OutboxPage")).OutboxPage }),
      },
      {
        path: "system",
        lazy: async () => ({ Component: (await import("../pages/system/SystemPage")).SystemPage }),
      },
      {
        path: "flows/:id",
        loader: ({ params }) => {
          askAhead(params.id ?? "");
          return null;
        },
        shouldRevalidate: ({ currentParams, nextParams }) => currentParams.id !== nextParams.id,
        lazy: () => import("../builder/BuilderPage"),
      },
      {
        path: "numbers",
        lazy: async () => ({ Component: (await import("../pages/numbers/NumbersPage")).NumbersPage }),
      },
      {
        path: "agents",
        lazy: async () => ({ Component: (await import("../pages/agents/AgentsPage")).AgentsPage }),
      },
      {
        path: "trunks",
        lazy: async () => ({ Component: (await import("../pages/trunks/TrunksPage")).TrunksPage }),
      },
      {
        path: "trunks/:id",
        lazy: async () => ({ Component: (await import("../pages/trunks/TrunkPage")).TrunkPage }),
      },
      {
        path: "registrations",
        lazy: async () => ({
          Component: (await import("../pages/registrations/RegistrationsPage")).RegistrationsPage,
        }),
      },
      {
        path: "bans",
        lazy: async () => ({ Component: (await import("../pages/bans/BansPage")).BansPage }),
      },
      {
        path: "lists",
        lazy: async () => ({ Component: (await import("../pages/lists/ListsPage")).ListsPage }),
      },
      {
        path: "flows/:id/details",
        lazy: async () => ({ Component: (await import("../pages/flows/FlowDetailsPage")).FlowDetailsPage }),
      },
      {
        path: "schedules",
        lazy: async () => ({ Component: (await import("../pages/schedules/SchedulesPage")).SchedulesPage }),
      },
      {
        path: "account",
        lazy: async () => ({ Component: (await import("../pages/account/AccountPage")).AccountPage }),
      },
      {
        path: "prompts",
        lazy: async () => ({ Component: (await import("../pages/prompts/PromptsPage")).PromptsPage }),
      },
      {
        path: "users",
        lazy: async () => ({ Component: (await import("../pages/users/UsersPage")).UsersPage }),
      },
      {
        path: "profile",
        lazy: async () => ({ Component: (await import("../pages/profile/ProfilePage")).ProfilePage }),
      },
      {
        path: "licences",
        lazy: async () => ({ Component: (await import("../pages/licences/LicencesPage")).LicencesPage }),
      },
      {
        path: "audit",
        lazy: async () => ({ Component: (await import("../pages/audit/AuditPage")).AuditPage }),
      },
      {
        path: "findings",
        lazy: async () => ({ Component: (await import("../pages/findings/FindingsPage")).FindingsPage }),
      },
      { path: "*", element: <NotFoundPage /> },
    ],
  },
]);
