import { Autocomplete } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { allOf, listDocuments } from "../../api/documents";

type AssignProps = {
  value: string | null | undefined;
  onChange: (value: string | null) => void;
  error: string | undefined;
};

/** Who gets the task: an agent who is a user of the CRM, or such a user's id. */
export function AssignField({ value, onChange, error }: AssignProps) {
  const agents = useCrmAgents();
  const names = new Map(agents.map((agent) => [agent.id, agent.label]));
  return (
    <Autocomplete
      label="Assign abandoned call"
      description="Who gets the task: an agent who has a CRM user, or the id of a user in the CRM (005…). Empty: whoever connected the CRM."
      placeholder="alice"
      maxLength={80}
      data={agents.map((agent) => agent.id)}
      renderOption={({ option }) => names.get(option.value) ?? option.value}
      filter={({ options, search }) =>
        options.filter(
          (option) =>
            "value" in option &&
            `${option.value} ${names.get(option.value) ?? ""}`.toLowerCase().includes(search.toLowerCase()),
        )
      }
      value={value ?? ""}
      onChange={(next) => onChange(next.trim() === "" ? null : next.trim())}
      error={error}
    />
  );
}

function useCrmAgents(): { id: string; label: string }[] {
  const { data } = useQuery({
    queryKey: ["agents", "crm"],
    queryFn: async () => {
      const { items } = await allOf((cursor) => listDocuments("agents", { cursor, limit: 200 }));
      return items.flatMap(({ id, name, document }) =>
        document?.crmUser ? [{ id, label: name && name !== id ? `${name} (${id})` : id }] : [],
      );
    },
  });
  return data ?? [];
}
