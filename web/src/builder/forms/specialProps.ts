// What a field gets that means more than its schema says.

import type { Json, JsonObject } from "../../flow/document";
import type { FieldProps } from "./Field";

/** Fields of a step; one that is `undefined` is taken away. */
export type Fields = Record<string, Json | undefined>;

/**
 * A field that may give ports another name, `ports` says old to new, and that may change other fields of the step with it,
 * which `also` names.
 */
export type SpecialProps = Omit<FieldProps, "onChange"> & {
  config: JsonObject;
  onChange: (value: Json | undefined, ports?: Record<string, string>, also?: Fields) => void;
};
