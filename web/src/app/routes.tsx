import { createBrowserRouter, Navigate } from "react-router";
import { FlowsPage } from "../pages/flows/FlowsPage";
import { NotFoundPage } from "../pages/NotFoundPage";
import { Shell } from "./Shell";

export const router = createBrowserRouter([
  {
    path: "/",
    element: <Shell />,
    children: [
      { index: true, element: <Navigate to="/flows" replace /> },
      // Where the set-up link led, once somebody is signed in.
      { path: "setup", element: <Navigate to="/flows" replace /> },
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
        path: "outbox",
        lazy: async () => ({ Component: (await import("../pages/outbox/OutboxPage")).OutboxPage }),
      },
      {
        path: "system",
        lazy: async () => ({ Component: (await import("../pages/system/SystemPage")).SystemPage }),
      },
      { path: "flows/:id", lazy: () => import("../builder/BuilderPage") },
      { path: "*", element: <NotFoundPage /> },
    ],
  },
]);
