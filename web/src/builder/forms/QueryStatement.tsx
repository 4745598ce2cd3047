// The statement of a query step, and trying it.

import { Stack } from "@mantine/core";
import { textOf } from "../../flow/document";
import { useBuilder } from "../store";
import { useFieldError } from "./context";
import { fieldLabel } from "./labels";
import { QueryTrial } from "./QueryTrial";
import type { SpecialProps } from "./specialProps";
import { TemplateInput } from "./TemplateInput";

export function QueryStatement({ name, path, schema, value, onChange, required, config }: SpecialProps) {
  const { mayEdit } = useBuilder();
  const soql = textOf(value);
  return (
    <Stack gap="xs" data-field={path}>
      <TemplateInput
        label={fieldLabel(name)}
        description={schema.description}
        error={useFieldError(path)}
        required={required}
        maxLength={schema.maxLength}
        placeholder="SELECT Id, Name FROM Contact WHERE Phone = '{{call.from}}'"
        rows={3}
        value={soql}
        onChange={onChange}
      />
      {mayEdit && <QueryTrial soql={soql} limit={Number(config.limit) || 1} />}
    </Stack>
  );
}
