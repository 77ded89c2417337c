/** Answers one request: which part it is for, whether it may be, and who does it. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Watch } from "../../../lib/net/watch.ts";
import { framingOf, pairs, type Field } from "../../../lib/wire/http-forward.ts";
import { PortailError } from "../../../lib/command/errors.ts";
import { ObjectError } from "../object/error.ts";
import type { Client } from "./client.ts";
import type { Action, Asked } from "./dialect.ts";
import { Exchange, Gone, type Turn } from "./exchange.ts";
import { requestFacts } from "./facts.ts";
import type { Gateway } from "./gateway.ts";
import { head } from "./head.ts";
import { hand, keep } from "./local.ts";
import { pass } from "./pass.ts";
import { read } from "./read.ts";
import { recordExchange, type Decided } from "./record.ts";
import { Right } from "./right.ts";
import { rootRouteOf, routeOf, type Route } from "./route.ts";
import { store } from "./store.ts";
import { Trouble } from "./trouble.ts";

/** Never rejects: what is wrong with us is told to this client as such, and ends nothing else. */
export async function serveRequest(gateway: Gateway, client: Client, turn: Turn): Promise<void> {
  try {
    await answer(gateway, client, turn);
  } catch (error) {
    // Neither an answer nor its record could be made of it.
    unexpected(client, error);
    client.conn.destroy();
  }
}

async function answer(gateway: Gateway, client: Client, turn: Turn): Promise<void> {
  const started = performance.now();
  const fields = pairs(turn.req.rawHeaders);
  const route = (client.atRoot ? rootRouteOf : routeOf)(turn.req.url ?? "");
  const asked = askedOf(gateway, route, turn.req, fields);
  const fault = faultOf(turn.req.httpVersion, fields);
  const action = actionOf(client, route, asked, fault);
  const x = new Exchange(gateway, client, turn, asked, action);
  x.isLast = fault !== undefined;
  const watch = new Watch(
    gateway.settings.exchange,
    () => client.conn.received + client.conn.sent,
    () => client.cut(),
  );
  turn.res.on("close", () => watch.stop());
  let decided: Decided | undefined;
  let ended: unknown;
  try {
    if (route.kind === "upstream" && action.kind !== "refuse") decided = decide(gateway, client, asked, action);
    if (decided !== undefined && decided.decision.outcome !== "allow") {
      x.told.byKey = action.kind === "own" && action.decidesKeys === true && decided.decision.reason !== "policy";
      if (!x.told.byKey) throw new Trouble("denied", "the policy does not allow it");
    }
    if (route.kind === "upstream" && action.kind !== "refuse") x.right = await Right.take(x);
    await act(x, route, action);
    if (!x.hasSucceeded) await x.right?.give();
    if (x.isGone) throw x.leave();
  } catch (error) {
    // What fails once the client is gone fails for that.
    ended = error instanceof Trouble && x.isGone ? x.leave(error) : error;
    await settle(x, ended instanceof Gone ? undefined : troubleOf(client, ended));
  }
  if (ended instanceof Gone && !client.conn.closed) client.conn.destroy();
  if (route.kind !== "ping") recordExchange(x, decided, started, ended);
}

/** What came to nothing is given back, and told to the client, which is cut where it cannot be told. */
async function settle(x: Exchange, trouble: Trouble | undefined): Promise<void> {
  try {
    if (!x.hasSucceeded) await x.right?.give();
    if (trouble !== undefined) await x.fail(trouble);
  } catch (error) {
    x.told.trouble = troubleOf(x.client, error);
    x.client.conn.destroy();
  }
}

async function act(x: Exchange, route: Route, action: Action): Promise<void> {
  if (action.kind === "refuse") throw action.trouble;
  if (route.kind === "ping") {
    ping(x);
    return;
  }
  if (route.kind === "local") {
    await (x.asked.method === "PUT" ? keep(x, route.name) : hand(x, route.name));
    return;
  }
  switch (action.kind) {
    case "store":
      return store(x, action);
    case "read":
      return read(x, action.part);
    case "head":
      return head(x, action.part);
    case "pass":
      return pass(x, action.content);
    case "own":
      return action.answer(x);
  }
}

/** For load balancers: a file takes the proxy out of use while it goes on serving. */
function ping(x: Exchange): void {
  if (existsSync(join(x.gateway.tools.cwd, "maintenance"))) throw new Trouble("maintenance", "in maintenance");
  x.reply(200, [["Content-Type", "application/json"]], "{}");
}

/** What is not for the storage has its own path, for the record. */
function askedOf({ settings }: Gateway, route: Route, req: Turn["req"], headers: readonly Field[]): Asked {
  const { method = "", url = "" } = req;
  const rest = route.kind === "upstream" ? route.rest : "";
  const query = route.kind === "upstream" ? route.query : undefined;
  const root = route.kind === "upstream" ? route.root : "/upstream/";
  const isForStorage = route.kind === "upstream";
  const path = isForStorage ? `${settings.upstream.base}${rest}` : url.replace(/[?#].*$/s, "");
  const place = { path, rest, root, query: query ?? "", hasQuery: query !== undefined, isForStorage };
  return { method, ...place, headers, length: lengthOf(headers) };
}

function actionOf(client: Client, route: Route, asked: Asked, fault: Trouble | undefined): Action {
  const { tools, settings } = client.gateway;
  const refuse = (trouble: Trouble, operation = "None"): Action => ({ kind: "refuse", operation, trouble });
  if (fault !== undefined) return refuse(fault);
  const own = (methods: readonly string[], operation: string): Action =>
    methods.includes(asked.method)
      ? { kind: "pass", operation, content: false }
      : refuse(new Trouble("method_not_allowed", `only ${methods.join(" and ")}`), operation);
  switch (route.kind) {
    case "ping":
      return own(["GET", "HEAD"], "Ping");
    case "local":
      if (settings.localDirectory !== undefined) return own(["GET", "PUT"], "LocalEncrypt");
      break;
    case "upstream":
      try {
        return tools.dialect.classify(asked);
      } catch (error) {
        return refuse(unexpected(client, error));
      }
    case "none":
  }
  return refuse(new Trouble("not_found", "there is nothing here"));
}

/** What is wrong with a head whatever it asks for: two readers of it could disagree about where it ends, or for whom it is. */
function faultOf(version: string, fields: readonly Field[]): Trouble | undefined {
  const framing = framingOf(fields);
  if (framing === "unknown") return new Trouble("unsupported", "the only transfer coding that is taken is chunked");
  if (framing === "chunked" && version === "1.0") return new Trouble("bad_request", "HTTP/1.0 knows no chunks");
  const hosts = fields.filter(([name]) => name.toLowerCase() === "host").length;
  if (hosts > 1 || (hosts === 0 && version !== "1.0")) return new Trouble("bad_request", "a request has one Host");
  return undefined;
}

function lengthOf(fields: readonly Field[]): number | undefined {
  if (framingOf(fields) !== "plain") return undefined;
  const text = fields.find(([name]) => name.toLowerCase() === "content-length")?.[1] ?? "0";
  return Number(text);
}

function decide(gateway: Gateway, client: Client, asked: Asked, action: Action): Decided | undefined {
  const { policy } = gateway;
  if (policy === undefined) return undefined;
  const facts = requestFacts(client, asked, action);
  const decided = { policy, facts, decision: policy.decide(facts) };
  if (action.reads === undefined || decided.decision.outcome !== "allow") return decided;
  const read = requestFacts(client, asked, action.reads);
  const decision = policy.decide(read);
  return decision.outcome === "allow" ? decided : { policy, facts: read, decision };
}

function troubleOf(client: Client, error: unknown): Trouble {
  if (error instanceof Trouble) return error;
  if (error instanceof ObjectError) return new Trouble(error.trouble, error.message);
  if (error instanceof PortailError) return new Trouble("io", "the file cannot be written or read");
  return unexpected(client, error);
}

/** A fault of ours: where it comes from is for the log, and no business of clients. */
function unexpected({ gateway, session }: Client, error: unknown): Trouble {
  const said = error instanceof Error ? (error.stack ?? error.message) : String(error);
  gateway.tools.log.error("an unexpected error; this is a bug in portail, please report it", { session, error: said });
  return new Trouble("internal", "an unexpected error within the proxy");
}
