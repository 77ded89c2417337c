/** Which part of the proxy a request target is for. Targets are taken as they are written: nothing is decoded or resolved. */

export type Route =
  | { readonly kind: "ping" }
  /** `rest` is what follows the prefix, without the query; `query` has no question mark, undefined where there is none. */
  | { readonly kind: "upstream"; readonly rest: string; readonly query: string | undefined }
  | { readonly kind: "local"; readonly name: string }
  | { readonly kind: "none" };

const NONE: Route = { kind: "none" };
const UPSTREAM = "/upstream";
const LOCAL = "/local/encrypt/";

/** `target` is of the origin form (RFC 9112 section 3.2.1); any other leads nowhere. */
export function routeOf(target: string): Route {
  if (!target.startsWith("/") || target.includes("#")) return NONE;
  const mark = target.indexOf("?");
  const path = mark === -1 ? target : target.slice(0, mark);
  if (path === "/ping") return { kind: "ping" };
  if (path === UPSTREAM || path.startsWith(`${UPSTREAM}/`)) {
    const query = mark === -1 ? undefined : target.slice(mark + 1);
    return { kind: "upstream", rest: path.slice(UPSTREAM.length + 1), query };
  }
  return path.startsWith(LOCAL) ? { kind: "local", name: path.slice(LOCAL.length) } : NONE;
}

/**
 * The name of a file in one folder, decoded once; undefined for what could be elsewhere or is hidden, as files are that
 * are not whole yet.
 */
export function fileNameOf(segment: string): string | undefined {
  let name: string;
  try {
    name = decodeURIComponent(segment);
  } catch {
    return undefined;
  }
  const plain = name !== "" && !name.startsWith(".") && !/[/\\\0]/.test(name) && Buffer.byteLength(name) <= 200;
  return plain ? name : undefined;
}
