/** The control socket of the access proxy: both interfaces on it, and the life that they may change. Loaded when it is wanted. */
import type { Runtime } from "../../lib/command/runtime.ts";
import type { Life } from "../../lib/service/life.ts";
import { openVarlink, type VarlinkListener } from "../../lib/service/varlink.ts";
import type { AccessContext } from "./control-access.ts";
import type { ControlledBackends } from "./control-backends.ts";
import { ownInterface } from "./control-own.ts";
import { referenceInterface } from "./control-reference.ts";
import { noPeer, type ControlSettings } from "./control-settings.ts";
import type { Proxy } from "./proxy.ts";

/** Throws `PortailError` where it cannot be had, and for an inherited socket that is none of UNIX: then the proxy must not start. */
export async function openControl(
  { env, log, version }: Runtime,
  proxy: Proxy,
  { endpoint, mode }: ControlSettings,
  { life, backends }: { life: Life; backends: () => ControlledBackends },
): Promise<VarlinkListener> {
  const context: AccessContext = { groups: () => proxy.controlGroups, log, record: (event) => proxy.record(event) };
  const own = ownInterface(context, proxy, {
    async reload() {
      const outcome = (await life.reload()) ?? "kept";
      return { outcome, error: outcome === "done" ? undefined : (proxy.reloadTrouble ?? "the proxy is being stopped") };
    },
    // The reply goes first: where nothing is open, the end is at once.
    drain: (by) => void setTimeout(() => life.stop(by), 0),
  });
  const interfaces = [referenceInterface(context, backends), own];
  const info = { vendor: "portail", product: "portail socks", version, url: "" };
  const listener = await openVarlink(endpoint, env, { info, interfaces, log, mode });
  if ("path" in listener.address) return listener;
  listener.close();
  throw noPeer(endpoint);
}
