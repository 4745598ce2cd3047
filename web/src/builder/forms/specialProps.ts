// What a field gets that means more than its schema says.

import type { Json, JsonObject } from "../../flow/document";
import type { FieldProps } from "./Field";

/** A field that may give ports another name: `ports` says old to new. */
export type SpecialProps = Omit<FieldProps, "onChange"> & {
  config: JsonObject;
  onChange: (value: Json | undefined, ports?: Record<string, string>) => void;
};
