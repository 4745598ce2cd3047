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
      { path: "flows/:id", lazy: () => import("../builder/BuilderPage") },
      { path: "*", element: <NotFoundPage /> },
    ],
  },
]);
