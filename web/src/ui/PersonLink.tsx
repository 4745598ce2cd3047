import type { Person } from "../api/crm";
import { OutLink } from "./OutLink";

/** Somebody whom the CRM knows, with the way there. */
export function PersonLink({ person }: { person: Person }) {
  return (
    <>
      <OutLink url={person.url}>{person.name || person.id}</OutLink>
      {person.type && ` (${person.type})`}
    </>
  );
}
