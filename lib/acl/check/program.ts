/** Blocks of the syntax tree to a checked program: names unique, clauses complete, actions read. */
import { nearest } from "../../command/nearest.ts";
import type { Action, ConditionClause, PolicyBlock, RouteBlock, TestBlock } from "../ast.ts";
import type { CheckedAction, CheckedPolicy, CheckedRoute, CheckedTest, Condition } from "../model.ts";
import type { Source } from "../source.ts";
import { shorten } from "../parser/cursor.ts";
import { parseRedirect } from "../redirect.ts";
import { checkCondition } from "./condition.ts";
import type { Context } from "./context.ts";
import { checkTest } from "./test.ts";

interface CheckOptions {
  /** The backends that exist; routes to others are errors. Left out, any name goes. */
  readonly backends?: readonly string[] | undefined;
}

/** Collects the blocks of all files, in order. */
export class ProgramChecker {
  readonly policies: CheckedPolicy[] = [];
  readonly routes: CheckedRoute[] = [];
  readonly tests: CheckedTest[] = [];
  readonly #names = new Map<string, { source: Source; start: number }>();
  readonly #tests: [TestBlock, Context][] = [];

  constructor(readonly options: CheckOptions) {}

  policy(block: PolicyBlock, context: Context): void {
    this.#claim(block, context);
    const [when, require] = [condition(block.clauses, "when", context), condition(block.clauses, "require", context)];
    const actions = block.clauses.filter((clause) => clause.kind === "action");
    once(actions, "action", context);
    const { name } = block;
    if (actions[0] === undefined) {
      if (!block.broken)
        context.error("acl.missing_action", name, {
          message: `the policy "${shorten(name.text)}" has no action`,
          hint: 'add "action deny" or another',
        });
      return;
    }
    const action = checkAction(actions[0].action, context);
    if (action === undefined || when === "bad" || require === "bad") return;
    this.policies.push({ name: name.text, when, require, action, place: context.place(name) });
  }

  route(block: RouteBlock, context: Context): void {
    this.#claim(block, context);
    const when = condition(block.clauses, "when", context);
    const uses = block.clauses.filter((clause) => clause.kind === "use");
    once(uses, "use", context);
    const { name } = block;
    const backends = uses[0]?.backends ?? [];
    if (backends.length === 0 && !block.broken) {
      context.error("acl.missing_use", name, {
        message: `the route "${shorten(name.text)}" uses no backend`,
        hint: 'add use ["backend"]',
      });
    }
    for (const backend of backends) {
      const known = this.options.backends;
      if (known === undefined || known.includes(backend.value)) continue;
      const guess = nearest(backend.value, known);
      const hint = guess === undefined ? undefined : `did you mean "${guess}"?`;
      context.error("acl.unknown_backend", backend, {
        message: `unknown backend ${JSON.stringify(shorten(backend.value))}`,
        hint,
      });
    }
    if (when !== "bad")
      this.routes.push({
        name: name.text,
        when,
        backends: backends.map(({ value }) => value),
        place: context.place(name),
      });
  }

  test(block: TestBlock, context: Context): void {
    this.#tests.push([block, context]);
  }

  /** To be called after all blocks: tests may name policies that stand below them. */
  finish(): void {
    const known = new Set(
      [...this.#names.keys()].filter((key) => key.startsWith("policy ")).map((key) => key.slice(7)),
    );
    for (const [block, context] of this.#tests) this.tests.push(...checkTest(block, known, context));
  }

  #claim(block: PolicyBlock | RouteBlock, context: Context): void {
    const key = `${block.kind} ${block.name.text}`;
    const before = this.#names.get(key);
    if (before === undefined) {
      this.#names.set(key, { source: context.source, start: block.name.start });
      return;
    }
    context.error("acl.duplicate_name", block.name, {
      message: `a second ${block.kind} is called "${shorten(block.name.text)}"`,
      label: `the first is at ${before.source.name}:${before.source.position(before.start).line}`,
    });
  }
}

function condition(
  clauses: PolicyBlock["clauses"] | RouteBlock["clauses"],
  kind: "when" | "require",
  context: Context,
): Condition | "bad" | undefined {
  const found = clauses.filter((clause): clause is ConditionClause => clause.kind === kind);
  once(found, kind, context);
  const checked = found.map((clause) => checkCondition(clause.condition, context));
  return checked.some((one) => one === undefined) ? "bad" : checked[0];
}

function once(clauses: readonly { start: number; end: number }[], keyword: string, context: Context): void {
  for (const clause of clauses.slice(1)) {
    context.error(
      "acl.duplicate_clause",
      { start: clause.start, end: clause.start + keyword.length },
      {
        message: `a second "${keyword}" in one block`,
        hint: keyword === "when" || keyword === "require" ? 'join the conditions with "and"' : undefined,
      },
    );
  }
}

function checkAction(action: Action, context: Context): CheckedAction | undefined {
  if (action.kind === "deny") return { kind: "deny", ...(action.template && { template: action.template.value }) };
  if (action.kind === "challenge") return { kind: "challenge", message: action.message.value };
  if (action.kind !== "redirect") return { kind: action.kind };
  const { target, ...trouble } = parseRedirect(action.target.value);
  if (target !== undefined) return { kind: "redirect", target };
  const { error, hint } = trouble as { error: string; hint?: string };
  return context.error("acl.bad_redirect", action.target, {
    message: `cannot redirect to ${JSON.stringify(shorten(action.target.value))}: ${error}`,
    hint,
  });
}
