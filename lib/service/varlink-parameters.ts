/** Parameters of a Varlink call against what its method takes: types, and nothing unknown. Knows no method. */
import type { JsonObject } from "../wire/varlink.ts";

/** As in a definition; `?` may be left out or null. */
type ParameterType = keyof TypeOf;

interface TypeOf {
  string: string;
  "?string": string | undefined;
  "?int": number | undefined;
  "?bool": boolean | undefined;
  "?[]string": readonly string[] | undefined;
  bool: boolean;
  object: JsonObject;
}

interface InvalidParameter {
  readonly error: "org.varlink.service.InvalidParameter";
  readonly parameters: { readonly parameter: string };
}

/** The values of `shape`, or the error that names the first parameter which is not as it should be. */
export function readParameters<const S extends Readonly<Record<string, ParameterType>>>(
  given: JsonObject,
  shape: S,
): { readonly values: { readonly [N in keyof S]: TypeOf[S[N]] } } | InvalidParameter {
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(shape, name));
  if (unknown !== undefined) return invalidParameter(unknown);
  const values: Record<string, unknown> = {};
  for (const [name, type] of Object.entries(shape)) {
    const value = Object.hasOwn(given, name) ? (given[name] ?? undefined) : undefined;
    if (!(value === undefined ? type.startsWith("?") : CHECKS[type](value))) return invalidParameter(name);
    values[name] = value;
  }
  return { values: values as { [N in keyof S]: TypeOf[S[N]] } };
}

export function invalidParameter(parameter: string): InvalidParameter {
  return { error: "org.varlink.service.InvalidParameter", parameters: { parameter } };
}

const CHECKS: Record<ParameterType, (value: unknown) => boolean> = {
  string: (value) => typeof value === "string",
  "?string": (value) => typeof value === "string",
  "?int": (value) => Number.isSafeInteger(value),
  "?bool": (value) => typeof value === "boolean",
  "?[]string": (value) => Array.isArray(value) && value.every((item) => typeof item === "string"),
  bool: (value) => typeof value === "boolean",
  object: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
};
