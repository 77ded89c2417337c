/** `fr.gouv.portail.Control`, as the program has it that this one replaces: backends over Varlink. */
import { parseIp } from "../../lib/wire/ip.ts";
import { readParameters } from "../../lib/service/varlink-parameters.ts";
import type { VarlinkAnswer, VarlinkInterface } from "../../lib/service/varlink-interface.ts";
import { canonicalHost } from "../../lib/wire/host.ts";
import type { JsonObject } from "../../lib/wire/varlink.ts";
import { guarded, type AccessContext } from "./control-access.ts";
import type { BackendSpec, ControlledBackend, ControlledBackends } from "./control-backends.ts";
import description from "./fr.gouv.portail.Control.varlink" with { type: "text" };

const REFERENCE = "fr.gouv.portail.Control";
/** In the place of a name, where there is no default backend. */
const NONE = "<none>";

/** `backends` is asked anew at each call. */
export function referenceInterface(context: AccessContext, backends: () => ControlledBackends): VarlinkInterface {
  const denied = `${REFERENCE}.PermissionDenied`;
  const subject = ({ backend_id: id }: JsonObject) => id;
  return {
    name: REFERENCE,
    description,
    methods: {
      SetDefaultBackend: guarded(context, { rights: ["trusted"], denied, subject }, ({ parameters }) =>
        setDefault(backends(), parameters),
      ),
      GetCurrentBackend({ parameters }) {
        const read = readParameters(parameters, {});
        return "error" in read ? read : { parameters: { backend_id: backends().default ?? NONE } };
      },
      ListBackends({ parameters }) {
        const read = readParameters(parameters, {});
        return "error" in read ? read : { parameters: { backends: listOf(backends()) } };
      },
      UpdateDynamicBackend: guarded(context, { rights: ["admin"], denied, subject }, ({ parameters }) =>
        update(backends(), parameters),
      ),
    },
  };
}

const DONE: VarlinkAnswer = { parameters: {} };

function setDefault(backends: ControlledBackends, parameters: JsonObject): VarlinkAnswer {
  const read = readParameters(parameters, { backend_id: "?string" });
  if ("error" in read) return read;
  const { backend_id: id } = read.values;
  if (id !== undefined && !backends.all.has(id)) return notFound(backends, id);
  backends.default = id;
  return DONE;
}

/** Each as the program has it that this one replaces. */
export function listOf({ all, default: current }: ControlledBackends): JsonObject[] {
  return Array.from(all.values(), (backend) => ({
    id: backend.name,
    current: backend.name === current,
    dynamic: backend.dynamic,
    ...(backend.target !== undefined && { spec: specOf(backend, backend.target) }),
  }));
}

function specOf({ tls, serverName }: ControlledBackend, target: string): JsonObject {
  return {
    target_address: target,
    identity_aware: tls,
    ...(serverName !== undefined && { tls_server_name: serverName }),
  };
}

function update(backends: ControlledBackends, parameters: JsonObject): VarlinkAnswer {
  const read = readParameters(parameters, { backend_id: "string", backend_spec: "object" });
  if ("error" in read) return read;
  const { backend_id: id, backend_spec: given } = read.values;
  const spec = readParameters(given, {
    target_address: "string",
    identity_aware: "bool",
    tls_server_name: "?string",
  });
  if ("error" in spec) return spec;
  const backend = backends.all.get(id);
  if (backend === undefined) return notFound(backends, id);
  if (!backend.dynamic) return { error: `${REFERENCE}.ImmutableBackend` };
  const { target_address: target, identity_aware: tls, tls_server_name: serverName } = spec.values;
  const reason = wrongTarget(target) ?? wrongName(serverName);
  if (reason !== undefined) return { error: `${REFERENCE}.InvalidBackend`, parameters: { reason } };
  const wanted: BackendSpec = { target, tls, serverName };
  backend.update(wanted);
  return DONE;
}

function notFound({ all }: ControlledBackends, id: string): VarlinkAnswer {
  const parameters = { provided_backend: id, available_backends: [...all.keys()] };
  return { error: `${REFERENCE}.BackendNotFound`, parameters };
}

/** What a dynamic backend leads to is an address: nobody who changes it gets a name resolved. */
function wrongTarget(text: string): string | undefined {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text) ?? [];
  const ip = parseIp(bracketed ?? plain ?? "");
  if (ip === undefined || Number(port) === 0 || Number(port) > 65_535)
    return "target_address is not IP:PORT or [IPV6]:PORT";
  return undefined;
}

function wrongName(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  return canonicalHost(name).error === undefined ? undefined : "tls_server_name is no host";
}
