/** URLs with places for facts: `https://host/users/{client.user}`. A fact fills a place, and never says more than that. Sends nothing. */
import { parseIp } from "../wire/ip.ts";

/** A key as a provider is asked for it: addresses are canonical text. */
export type KeyValue = string | number | boolean;

type Part = { readonly text: string } | { readonly key: number; readonly json: boolean };

interface UrlError {
  error: string;
  hint?: string;
}

const HINT = "write https://HOST[:PORT]/PATH, with {FACT} where a key belongs";

export class UrlTemplate {
  readonly tls: boolean;
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  /** The value of the Host field. */
  readonly authority: string;
  readonly #parts: readonly Part[];

  private constructor(origin: Pick<UrlTemplate, "tls" | "host" | "port" | "authority">, parts: readonly Part[]) {
    this.tls = origin.tls;
    this.host = origin.host;
    this.port = origin.port;
    this.authority = origin.authority;
    this.#parts = parts;
  }

  /**
   * Parses `text`, in which `{NAME}` is one of `names`, percent-encoded, and `{NAME:json}` the same as a JSON value;
   * `{{` and `}}` are braces. Other characters that no URL has are encoded.
   */
  static parse(text: string, names: readonly string[]): UrlTemplate | UrlError {
    const [, scheme, authority, rest = ""] = /^(https?):\/\/([^/?#]*)(.*)$/is.exec(text) ?? [];
    if (scheme === undefined || authority === undefined) return { error: "this is no http or https URL", hint: HINT };
    const tls = scheme.toLowerCase() === "https";
    const origin = originOf(authority, tls);
    if ("error" in origin) return origin;
    if (rest.includes("#")) return { error: "a fragment is never sent", hint: "leave out what begins with #" };
    const parts = partsOf(rest.startsWith("/") ? rest : `/${rest}`, names);
    return "error" in parts ? parts : new UrlTemplate({ ...origin, tls }, parts);
  }

  /** Whether the key of that index has a place. */
  uses(key: number): boolean {
    return this.#parts.some((part) => "key" in part && part.key === key);
  }

  /**
   * Path and query for these keys. Undefined for one that would lead elsewhere than where its place is: an empty value in
   * the path, or one that makes a segment `.` or `..`, which servers take for a step up.
   */
  expand(keys: readonly KeyValue[]): string | undefined {
    let url = "";
    for (const part of this.#parts) {
      if ("text" in part) url += part.text;
      else {
        const value = encode(part.json ? JSON.stringify(keys[part.key]) : String(keys[part.key]));
        if (value === undefined || (value === "" && !url.includes("?"))) return undefined;
        url += value;
      }
    }
    const [path = ""] = url.split("?", 1);
    return path.split("/").some((segment) => segment === "." || segment === "..") ? undefined : url;
  }
}

function originOf(authority: string, tls: boolean): UrlError | { host: string; port: number; authority: string } {
  if (/[{}]/.test(authority)) {
    return { error: "a fact cannot say which server is asked", hint: "places are in the path and the query" };
  }
  if (authority.includes("@")) {
    return { error: "a URL holds no user and no password", hint: "give a header by header-file or token-file" };
  }
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([a-z0-9._-]+))(?::([0-9]{1,5}))?$/i.exec(authority) ?? [];
  const port = digits === undefined ? (tls ? 443 : 80) : Number(digits);
  const host = bracketed ?? plain ?? "";
  const v6 = bracketed === undefined || parseIp(bracketed)?.family === 6;
  if (host === "" || !v6 || port < 1 || port > 65_535) return { error: "the URL names no host", hint: HINT };
  return { host, port, authority };
}

function partsOf(rest: string, names: readonly string[]): Part[] | UrlError {
  const parts: Part[] = [];
  let text = "";
  let quotes = 0;
  for (const [token, name, kind] of rest.matchAll(/\{\{|\}\}|\{([^{}:]*)(?::([^{}]*))?\}|[{}]|[^{}]+/g)) {
    if (name === undefined) {
      if (token === "{" || token === "}") {
        return { error: `a "${token}" stands alone`, hint: "write braces twice: {{ and }}" };
      }
      text += token === "{{" ? "{" : token === "}}" ? "}" : token;
      continue;
    }
    const key = names.indexOf(name);
    if (key === -1) return { error: `{${name}} is no key of this provider`, hint: `"key" has ${names.join(", ")}` };
    if (kind !== undefined && kind !== "json") {
      return { error: `{${name}:${kind}} is not known`, hint: `write {${name}} or {${name}:json}` };
    }
    quotes += text.match(/"|%22/g)?.length ?? 0;
    if (kind === undefined && quotes % 2 === 1) {
      const hint = `write {${name}:json}, without quotes around it`;
      return { error: `a quote in the value of {${name}} would end the text that it stands in`, hint };
    }
    parts.push({ text: encodeLiteral(text) }, { key, json: kind === "json" });
    text = "";
  }
  if (/%(?![0-9A-Fa-f]{2})/.test(rest)) return { error: "a % is not followed by two hex digits", hint: "write %25" };
  return [...parts, { text: encodeLiteral(text) }];
}

/** What the operator wrote: what may stand in path and query (RFC 3986) stays, escapes too. */
function encodeLiteral(text: string): string {
  return text.replace(/[^A-Za-z0-9\-._~!$&'()*+,;=:@/?%]+/gu, (run) => encode(run) ?? "");
}

/** RFC 3986 section 2.3: everything but unreserved characters. Undefined for half a character. */
function encode(text: string): string | undefined {
  try {
    return encodeURIComponent(text).replace(
      /[!'()*]/g,
      (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
    );
  } catch {
    return undefined;
  }
}
