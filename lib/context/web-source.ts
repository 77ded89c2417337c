/** A provider that is a web service: a GET for a key, JSON for an answer, values by JSON pointers. A table in Grist is one too. */
import type { Resolve } from "../net/resolve.ts";
import { createContext, type TlsContext } from "../net/tls-context.ts";
import type { Trust } from "../identity/trust.ts";
import { decodeUtf8 } from "../wire/utf8.ts";
import type { Key, Source } from "./cache.ts";
import { Trouble, type Report } from "./counts.ts";
import { follow, parsePointer } from "./json-pointer.ts";
import { NOTHING, valuesOf, type Target, type Values } from "./targets.ts";
import type { UrlTemplate } from "./url-template.ts";
import { WebClient } from "./web-client.ts";

export interface WebPlan {
  readonly url: UrlTemplate;
  readonly targets: readonly Target[];
  /** How a row is found in an answer, and what its values are. */
  readonly answers: "json" | "grist";
  /** Bytes of an answer. */
  readonly most: number;
  /** Milliseconds. */
  readonly timeout: number;
}

/** What was read from files for it; secrets are in the headers. */
interface WebFiles {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsContext | undefined;
}

/** What it trusts, prepared. Throws `PortailError`. */
export function webTls({ ca, crl }: Trust): TlsContext {
  return createContext({ ca, crl });
}

/** These know nothing of the key; any other status but 200 is trouble. */
const NO_SUCH_KEY = new Set([204, 404, 410]);

export class WebSource implements Source {
  readonly #plan: WebPlan;
  readonly #headers: WebFiles["headers"];
  readonly #client: WebClient;
  readonly #report: Report;
  readonly #pointers: readonly (readonly string[])[];

  constructor(plan: WebPlan, { headers, tls }: WebFiles, resolve: Resolve, report: Report) {
    const { host, port, authority } = plan.url;
    this.#plan = plan;
    this.#headers = headers;
    this.#report = report;
    this.#client = new WebClient({ host, port, authority, tls }, resolve, plan.timeout);
    const isColumn = plan.answers === "grist";
    this.#pointers = plan.targets.map(({ from }) => (isColumn ? [from] : parsePointer(from)!));
  }

  async ask({ values }: Key, signal: AbortSignal): Promise<Values | Trouble> {
    const path = this.#plan.url.expand(values);
    if (path === undefined) return NOTHING;
    const answer = await this.#client.get(path, this.#headers, this.#plan.most, signal);
    if (answer instanceof Trouble) return answer;
    if (NO_SUCH_KEY.has(answer.status)) return NOTHING;
    if (answer.status !== 200) return new Trouble("status", `the answer is ${answer.status}`);
    const document = parseJson(answer.body);
    if (document === undefined) return new Trouble("syntax", "the answer is not JSON");
    return this.#plan.answers === "grist" ? this.#valuesOfGrist(document) : this.#valuesOf(document, (value) => value);
  }

  async close(): Promise<void> {}

  #valuesOf(row: unknown, decode: (value: unknown) => unknown): Values {
    return valuesOf(
      this.#plan.targets,
      (_target, i) => decode(follow(row, this.#pointers[i]!)),
      (target, value) => this.#report.wrongType(target, value),
    );
  }

  /** `{"records": [{"id": 1, "fields": {…}}]}`, of which there must be one: nobody knows which of two is meant. */
  #valuesOfGrist(document: unknown): Values | Trouble {
    const records = follow(document, ["records"]);
    if (!Array.isArray(records)) return new Trouble("syntax", "the answer is not one of Grist: it has no records");
    if (records.length === 0) return NOTHING;
    if (records.length > 1) return new Trouble("ambiguous", "the table has two rows for a key");
    return this.#valuesOf(follow(records[0], ["fields"]), gristCell);
  }
}

/** A list is `["L", …]` there; other things in brackets (dates, references, errors) are no values of facts. */
function gristCell(cell: unknown): unknown {
  if (!Array.isArray(cell)) return cell === "" ? undefined : cell;
  return cell[0] === "L" ? cell.slice(1) : { encoded: cell[0] };
}

function parseJson(body: Uint8Array): unknown {
  const text = decodeUtf8(body);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
