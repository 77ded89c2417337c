/** `GET /` of a status listener: what the page says of a daemon, and to whom. How it looks is page.ts. */
import { hostname } from "node:os";
import { currentAudit } from "../audit/sink.ts";
import type { Identity } from "../identity/identity.ts";
import { decodePeer } from "../identity/peer.ts";
import { isAskedOfUs } from "../service/asked-host.ts";
import type { Life } from "../service/life.ts";
import type { Registry } from "../service/metrics.ts";
import type { Answer, Asking, Route } from "../service/status.ts";
import type { StatusSource } from "../service/status-routes.ts";
import { type OpenConnection, pageOf } from "./connections.ts";
import { Figures, INTERVAL } from "./figures.ts";
import { formatAge, formatCount, formatTime } from "./format.ts";
import { html } from "./html.ts";
import { CONTENT_POLICY, type ShownIdentity, type View, writePage } from "./page.ts";

/** An identity, and what it is for. */
export type NamedIdentity = readonly [role: string, identity: Identity | undefined];

/** Those that are open now. */
export interface OpenConnections extends Iterable<OpenConnection> {
  readonly total: number;
}

interface PageSource extends StatusSource {
  /** As it is typed, e.g. `socks`. */
  command: string;
  registry: Registry;
  identities: () => Iterable<NamedIdentity>;
  connections: (() => OpenConnections) | undefined;
  /** Whether the page may be asked for under that name. */
  isOurs(name: string): boolean;
  /** Whether who asks may see whose connections are open. */
  mayLook(asking: Asking): boolean;
}

export class StatusPage implements Route {
  readonly method = "GET";
  readonly #source: PageSource;
  readonly #figures: Figures;
  readonly #timer: ReturnType<typeof setInterval>;

  /** Samples the metrics from now on. */
  constructor(source: PageSource) {
    this.#source = source;
    this.#figures = new Figures(source.registry);
    const sample = () => this.#figures.sample(performance.now());
    sample();
    this.#timer = setInterval(sample, INTERVAL * 1000).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  answer(query: URLSearchParams, asking: Asking): Answer {
    if (!isAskedOfUs(asking.host, (name) => this.#source.isOurs(name))) return NOT_OURS;
    return {
      status: 200,
      type: "text/html; charset=utf-8",
      body: writePage(this.#view(query, asking)),
      headers: FIELDS,
    };
  }

  #view(query: URLSearchParams, asking: Asking): View {
    const { command, version, identities, life, forward } = this.#source;
    return {
      command,
      version,
      hostname: hostname(),
      state: stateOf(life, forward),
      about: aboutOf(this.#source),
      figures: this.#figures,
      identities: shownIdentities(identities()),
      connections: this.#connections(query, asking),
      time: new Date(),
    };
  }

  #connections(query: URLSearchParams, asking: Asking): View["connections"] {
    const { connections, mayLook } = this.#source;
    if (connections === undefined) return undefined;
    const open = connections();
    return mayLook(asking) ? pageOf(open, query, performance.now()) : { total: open.total };
  }
}

const FIELDS = {
  "Content-Security-Policy": CONTENT_POLICY,
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
};

/** The name is not repeated: it is a stranger's. */
const NOT_OURS: Answer = {
  status: 421,
  type: "text/plain; charset=utf-8",
  body: "this page is asked for by address or as localhost; --status-name gives it further names\n",
};

function stateOf({ state }: Life, forward: StatusSource["forward"]): View["state"] {
  if (state === "stopping") return { word: "Draining", level: "busy" };
  if (state === "initializing") return { word: "Starting", level: "busy" };
  if (currentAudit()?.failing !== undefined) return { word: "Audit fails", level: "bad" };
  if (forward?.health.last?.ok === false) return { word: "Target is down", level: "bad" };
  return state === "reloading" ? { word: "Reloading", level: "busy" } : { word: "Serving", level: "ok" };
}

function aboutOf({ listen, forward, life, registry }: PageSource): View["about"] {
  const about: [string, View["about"][number][1]][] = [["Listens on", listen.replaceAll(",", ", ")]];
  if (forward !== undefined) about.push(["Leads to", targetOf(forward)]);
  const running = formatAge((Date.now() - life.started.getTime()) / 1000);
  about.push(["Running for", html`${running} <small>since ${formatTime(life.started)}</small>`]);
  about.push(["Last reload", reloadOf(life)]);
  const [policies] = registry.values("policies");
  if (policies !== undefined) about.push(["Policies in force", formatCount(policies.value)]);
  const sink = currentAudit();
  if (sink !== undefined) about.push(["Audit", auditOf(sink)]);
  about.push(["Runtime", `Bun ${Bun.version}, process ${process.pid}`]);
  return about;
}

/** Milliseconds after which it is looked again whether the target is there: each look is a connection. */
const LOOK_AGAIN = 15_000;

/** As it was found last: a look may take long, and the next page has it. */
function targetOf({ address, health }: NonNullable<StatusSource["forward"]>): View["about"][number][1] {
  const { last } = health;
  if (last === undefined || Date.now() - last.time.getTime() > LOOK_AGAIN) void health.check();
  const name = address.replaceAll(",", ", ");
  if (last === undefined) return html`${name} <small>not looked at yet</small>`;
  return last.ok ? html`${name} <small class="ok">up</small>` : html`${name} <small class="bad">${last.error}</small>`;
}

function reloadOf({ lastReload }: Life): View["about"][number][1] {
  if (lastReload === undefined) return "none so far";
  const time = formatTime(lastReload.time);
  if (lastReload.outcome === "done") return time;
  return html`${time} <small class="bad">failed: what was there before is in force</small>`;
}

function auditOf({ failing, lost, waiting }: NonNullable<ReturnType<typeof currentAudit>>): View["about"][number][1] {
  if (failing !== undefined)
    return html`<span class="bad">${failing}</span> <small>${formatCount(waiting)} lines wait</small>`;
  return lost === 0 ? "written" : html`<span class="busy">${formatCount(lost)} lines lost</span>`;
}

/** Of a process with many rules: those that differ, and no more than are read. */
const MOST_IDENTITIES = 50;

/** What is read of a certificate does not change. */
const known = new WeakMap<Identity, Omit<ShownIdentity, "role">>();

function shownIdentities(named: Iterable<NamedIdentity>): ShownIdentity[] {
  const roles = new Map<Identity, string>();
  for (const [role, identity] of named) {
    if (roles.size >= MOST_IDENTITIES) break;
    if (identity !== undefined && !roles.has(identity)) roles.set(identity, role);
  }
  return Array.from(roles, ([identity, role]) => ({ role, ...certificateOf(identity) }));
}

function certificateOf(identity: Identity): Omit<ShownIdentity, "role"> {
  let shown = known.get(identity);
  if (shown === undefined) known.set(identity, (shown = readCertificate(identity)));
  return shown;
}

function readCertificate({ chain }: Identity): Omit<ShownIdentity, "role"> {
  const decoded = decodePeer(chain[0]!);
  if (decoded.kind === "bad") return { subject: decoded.reason, names: [], issuer: "", notAfter: new Date(0) };
  const { subject, issuer, dns, ip, uri, email, notAfter } = decoded.value;
  return { subject, issuer, names: [...dns, ...ip, ...uri, ...email], notAfter: new Date(notAfter) };
}
