/** Texts with places for values that are known later: `{port}`. `{{` and `}}` are braces; nothing else means anything. */
import { EXIT, PortailError } from "./errors.ts";
import { nearest } from "./nearest.ts";

export class Template<Name extends string> {
  /** Literal text and names in turn, beginning with text. */
  readonly #parts: readonly (string | Name)[];

  private constructor(parts: readonly (string | Name)[]) {
    this.#parts = parts;
  }

  /**
   * Parses `text`; `what` is what the operator wrote it for, and is named in errors. Throws `PortailError`
   * (`template.unknown` for a name that is not of `names`, `template.brace` for a brace that stands alone).
   */
  static parse<Name extends string>(text: string, names: readonly Name[], what: string): Template<Name> {
    const parts: (string | Name)[] = [""];
    for (const [token, name] of text.matchAll(/\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}|[{}]|[^{}]+/g)) {
      if (name !== undefined) parts.push(known(name, names, what), "");
      else if (token === "{" || token === "}") throw loneBrace(token, what);
      else parts[parts.length - 1] += token === "{{" ? "{" : token === "}}" ? "}" : token;
    }
    return new Template(parts);
  }

  /** What it has places for. */
  get names(): readonly Name[] {
    return this.#parts.filter((_, i) => i % 2 === 1) as Name[];
  }

  expand(values: Readonly<Record<Name, string>>): string {
    return this.#parts.map((part, i) => (i % 2 === 0 ? part : values[part as Name])).join("");
  }
}

function known<Name extends string>(name: string, names: readonly Name[], what: string): Name {
  const found = names.find((each) => each === name);
  if (found !== undefined) return found;
  const near = nearest(name, names);
  const list = names.map((each) => `{${each}}`).join(", ");
  throw new PortailError(`${what}: {${name}} is not known`, {
    code: "template.unknown",
    exit: EXIT.usage,
    hint: near === undefined ? `use ${list}; a brace is written {{` : `did you mean {${near}}? A brace is written {{`,
  });
}

/** The text is not repeated: it may hold a password. */
function loneBrace(brace: string, what: string): PortailError {
  return new PortailError(`${what}: a "${brace}" stands alone`, {
    code: "template.brace",
    exit: EXIT.usage,
    hint: "write braces twice: {{ and }}",
  });
}
