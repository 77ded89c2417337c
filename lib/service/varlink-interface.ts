/** What a Varlink service is made of: interfaces, methods, and their answers. Serves nothing. */
import type { UnixCaller } from "../net/unix-peer.ts";
import type { JsonObject } from "../wire/varlink.ts";

export interface VarlinkInterface {
  readonly name: string;
  /** The text of its definition. */
  readonly description: string;
  readonly methods: Readonly<Record<string, VarlinkMethod>>;
}

/** Is called once its method is known; parameters are not checked yet. */
export type VarlinkMethod = (asked: Asked) => VarlinkAnswer | Promise<VarlinkAnswer>;

export interface Asked {
  /** With its interface. */
  readonly method: string;
  readonly parameters: JsonObject;
  readonly more: boolean;
  readonly caller: UnixCaller;
}

/** `replies` only where more were welcome; the last of them is the last reply, and there is at least one. */
export type VarlinkAnswer =
  | { readonly parameters: JsonObject }
  | { readonly error: string; readonly parameters?: JsonObject }
  | { readonly replies: Iterator<JsonObject, JsonObject> };

/** An error that every service may answer. */
export function serviceError(
  name: "InterfaceNotFound" | "MethodNotFound" | "InvalidParameter",
  parameter: string,
  value: string,
): VarlinkAnswer {
  return { error: `org.varlink.service.${name}`, parameters: { [parameter]: value } };
}
