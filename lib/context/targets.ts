/** Which facts a provider may fill, from where in its answer, and what of an answer is taken. Asks nobody. */
import { FACTS, lookupFact, valueFromJson, type FactName, type FactType, type FactValue } from "../acl/facts.ts";
import { nearest } from "../command/nearest.ts";

/** What a provider knows of one key, by fact; empty where it knows nothing. */
export type Values = Readonly<Record<string, FactValue>>;

export const NOTHING: Values = Object.freeze({});

export interface Target {
  readonly fact: FactName;
  readonly type: FactType;
  /** A column or a JSON pointer; of a program the fact itself. */
  readonly from: string;
}

/** The only facts that a provider may say anything about: all others are what connections prove. */
const FAMILIES = ["user", "device", "geo", "risk", "challenge"];

interface TargetError {
  error: string;
  hint?: string;
}

/** Parses an item of `set`: `FACT = COLUMN`, or `FACT` alone with `bare`. */
export function parseTarget(text: string, bare: boolean): Target | TargetError {
  const [, name = "", from] = /^\s*([A-Za-z0-9_.-]+)\s*(?:=\s*(.*?)\s*)?$/s.exec(text) ?? [];
  const spec = isSettable(name) ? lookupFact(name)?.spec : undefined;
  if (spec === undefined) return { error: `${JSON.stringify(name || text)} is not a fact to set`, hint: hintFor(name) };
  if (bare && from !== undefined) {
    return { error: `${JSON.stringify(text)} says more than a fact`, hint: "a program names facts itself" };
  }
  if (!bare && (from === undefined || from === "")) {
    return {
      error: `${JSON.stringify(text)} does not say where the fact comes from`,
      hint: `write "${name} = COLUMN"`,
    };
  }
  return { fact: name as FactName, type: spec.type, from: from ?? name };
}

function isSettable(name: string): boolean {
  const dot = name.indexOf(".");
  return (
    dot > 0 &&
    FAMILIES.includes(name.slice(0, dot)) &&
    name
      .slice(dot + 1)
      .split(".")
      .every((word) => word !== "")
  );
}

function hintFor(name: string): string {
  const near = nearest(
    name,
    Object.keys(FACTS).filter((each) => isSettable(each)),
  );
  const may = `providers set ${FAMILIES.map((family) => `${family}.*`).join(", ")}`;
  return near === undefined || near === name ? may : `did you mean ${near}? ${may}`;
}

/**
 * The values of an answer: `read` gives what it has for a target. What is absent or null is missing; what is not of the
 * fact's type is told to `refused` and missing too.
 */
export function valuesOf(
  targets: readonly Target[],
  read: (target: Target, index: number) => unknown,
  refused: (target: Target, value: unknown) => void,
): Values {
  let values: Record<string, FactValue> | undefined;
  for (const [i, target] of targets.entries()) {
    const given = read(target, i);
    if (given === undefined || given === null) continue;
    const value = valueFromJson(target.type, given);
    if (value === undefined) refused(target, given);
    else (values ??= {})[target.fact] = value;
  }
  return values ?? NOTHING;
}
