/** `dev.portail.Control`: what is open, why something is decided, reload, and the end, over Varlink. */
import { formatAddress } from "../../lib/net/conn.ts";
import { formatHostPort } from "../../lib/net/endpoint.ts";
import type { ReloadOutcome } from "../../lib/service/life.ts";
import { readParameters } from "../../lib/service/varlink-parameters.ts";
import type { VarlinkAnswer, VarlinkInterface } from "../../lib/service/varlink-interface.ts";
import type { JsonObject } from "../../lib/wire/varlink.ts";
import { guarded, type AccessContext, type Right } from "./control-access.ts";
import { explainRequest } from "./control-explain.ts";
import { listOf } from "./control-reference.ts";
import { clientAddress } from "./origin.ts";
import type { OpenState, Proxy } from "./proxy.ts";
import description from "./dev.portail.Control.varlink" with { type: "text" };

const OWN = "dev.portail.Control";

/** What only the life of the daemon can do. */
interface LifeControl {
  reload(): Promise<{ outcome: ReloadOutcome; error: string | undefined }>;
  /** Begins it; `by` is for the log. */
  drain(by: string): void;
}

/** In one reply where more are welcome, and in the only one where not. */
const PAGE = 100;
const MOST_AT_ONCE = 1000;

export function ownInterface(context: AccessContext, proxy: Proxy, life: LifeControl): VarlinkInterface {
  const denied = `${OWN}.PermissionDenied`;
  const readers: readonly Right[] = ["trusted", "admin"];
  const admins: readonly Right[] = ["admin"];
  return {
    name: OWN,
    description,
    methods: {
      ListConnections: guarded(context, { rights: readers, denied }, ({ parameters, more }) => {
        const read = readParameters(parameters, {});
        if ("error" in read) return read;
        if (more) return { replies: pages(proxy, PAGE) };
        return { parameters: pages(proxy, MOST_AT_ONCE).next().value };
      }),
      // For whoever can connect, as the reference's list of them is.
      ListBackends({ parameters }) {
        const read = readParameters(parameters, {});
        return "error" in read ? read : { parameters: { backends: backendsOf(proxy) } };
      },
      ExplainRequest: guarded(
        context,
        { rights: readers, denied, subject: ({ host, port, user }) => ({ host, port, user }) },
        ({ parameters }) => explainRequest(proxy, parameters),
      ),
      Reload: guarded(context, { rights: admins, denied }, async ({ parameters }) => {
        const read = readParameters(parameters, {});
        if ("error" in read) return read;
        const { outcome, error } = await life.reload();
        return { parameters: { outcome, ...(error !== undefined && { error }) } };
      }),
      CloseConnection: guarded(
        context,
        { rights: admins, denied, subject: ({ session }) => session },
        ({ parameters }) => close(proxy, parameters),
      ),
      Drain: guarded(context, { rights: admins, denied }, ({ parameters, caller }) => {
        const read = readParameters(parameters, {});
        if ("error" in read) return read;
        life.drain(`told to by user ${caller.uid}`);
        return { parameters: { open: proxy.places.open } };
      }),
    },
  };
}

/** What the reference tells of each, and how it is. */
function backendsOf({ backends }: Proxy): JsonObject[] {
  return listOf(backends).map((told) => {
    const { health, isOpenCircuit, target } = backends.all.get(told["id"] as string)!;
    if (health === undefined || target === undefined) return { ...told, left_alone: isOpenCircuit };
    const { trouble, age } = health;
    const how = trouble === undefined ? { health: "up" } : { health: "down", error: trouble };
    return { ...told, ...how, age: Math.round(age), left_alone: isOpenCircuit };
  });
}

function close(proxy: Proxy, parameters: JsonObject): VarlinkAnswer {
  const read = readParameters(parameters, { session: "string" });
  if ("error" in read) return read;
  const { session } = read.values;
  const found = [...proxy.open].filter((open) => open.session === session);
  if (found.length === 0) return { error: `${OWN}.ConnectionNotFound`, parameters: { session } };
  for (const open of found) open.cut();
  return { parameters: { closed: found.length } };
}

/** At least one page, the last of which is complete, or the only one that is wanted. */
function* pages(proxy: Proxy, size: number): Generator<JsonObject, JsonObject> {
  const open = proxy.open.size;
  const states = everyState(proxy, open);
  for (let next = states.next(); ;) {
    const connections: JsonObject[] = [];
    for (; !next.done && connections.length < size; next = states.next()) connections.push(connectionOf(next.value));
    const page = { connections, open, complete: next.done === true };
    if (next.done) return page;
    yield page;
  }
}

/** Of as many clients as there were at the start, at most: those that come meanwhile would make it endless. */
function* everyState(proxy: Proxy, most: number): Generator<OpenState> {
  let left = most;
  for (const open of proxy.open) {
    if (left-- === 0) return;
    yield* open.describe();
  }
}

function connectionOf({ state, asker, asked, passage }: OpenState): JsonObject {
  const certificate = asker.origin?.peer?.subject;
  return {
    session: asker.session,
    client: formatAddress(clientAddress(asker)),
    ...(asker.user !== undefined && { user: asker.user }),
    ...(certificate !== undefined && { certificate }),
    state,
    ...(asked !== undefined && { protocol: asked.protocol, target: formatHostPort(asked.host, asked.port) }),
    sent: 0,
    received: 0,
    ...passage?.describe(),
  };
}
