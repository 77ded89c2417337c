/** Which part of the proxy a request target is for. Targets are taken as they are written: nothing is decoded or resolved. */

export type Route =
  | { readonly kind: "ping" }
  /** `rest` is what follows the prefix, without the query; `query` has no question mark, undefined where there is none. */
  | {
      readonly kind: "upstream";
      readonly rest: string;
      readonly query: string | undefined;
      readonly root: "/upstream/" | "/";
    }
  | { readonly kind: "local"; readonly name: string }
  | { readonly kind: "none" };

const NONE: Route = { kind: "none" };
const UPSTREAM = "/upstream";
const LOCAL = "/local/encrypt/";

/** `target` is of the origin form (RFC 9112 section 3.2.1); any other leads nowhere. */
export function routeOf(target: string): Route {
  if (!target.startsWith("/") || target.includes("#")) return NONE;
  const { path, query } = split(target);
  if (path === "/ping") return { kind: "ping" };
  if (path === UPSTREAM || path.startsWith(`${UPSTREAM}/`)) {
    return { kind: "upstream", rest: path.slice(UPSTREAM.length + 1), query, root: "/upstream/" };
  }
  return path.startsWith(LOCAL) ? { kind: "local", name: path.slice(LOCAL.length) } : NONE;
}

/** Where the storage is all that there is. */
export function rootRouteOf(target: string): Route {
  if (!target.startsWith("/") || target.includes("#")) return NONE;
  const { path, query } = split(target);
  return { kind: "upstream", rest: path.slice(1), query, root: "/" };
}

function split(target: string): { path: string; query: string | undefined } {
  const mark = target.indexOf("?");
  return mark === -1
    ? { path: target, query: undefined }
    : { path: target.slice(0, mark), query: target.slice(mark + 1) };
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
