import { Navigate } from "react-router";
import { sections } from "./navigation";
import { useSession } from "./session";

/** Leads to the first page that the role may see; those who may see none have their own sign-in. */
export function HomePage() {
  const { may } = useSession();
  const first = sections.flatMap((section) => section.pages).find((page) => may(page.needs));
  return <Navigate to={first?.path ?? "/profile"} replace />;
}
