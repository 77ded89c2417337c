/** The ClientHello of TLS (RFC 8446 section 4.1.2), as far as a connection is routed by it. Answers no hello and makes no TLS. */
import { canonicalHost } from "./host.ts";
import { decodeUtf8 } from "./utf8.ts";

/** Why bytes are no hello that we take. Each has the alert with which a server refuses it. */
export type HelloFault =
  "hello_not_tls" | "hello_record" | "hello_message" | "hello_too_long" | "hello_malformed" | "hello_server_name";

/** What a client says of itself before anything is agreed upon. Values of GREASE (RFC 8701) are left out. */
export interface ClientHello {
  /** As it was asked for (SNI, RFC 6066), lower case; of a hello with ECH the outer one. */
  readonly serverName: string | undefined;
  /** An address stood where only names may (RFC 6066 section 3): it counts as no name. */
  readonly addressAsName: boolean;
  /** Protocol ids (ALPN, RFC 7301) in the client's order; undefined where it offered none at all. */
  readonly protocolIds: readonly string[] | undefined;
  /** Versions in the client's order, e.g. 0x0304; without the extension that of the hello alone. */
  readonly versions: readonly number[];
  readonly sessionId: Uint8Array;
  /** Whether the true hello is encrypted within (ECH). */
  readonly encrypted: boolean;
  /** Whether it resumes a session of TLS 1.3. */
  readonly resumes: boolean;
  /** Whether data follows ahead of the answer (0-RTT). */
  readonly earlyData: boolean;
}

export type HelloDecoded = { kind: "ok"; value: ClientHello } | { kind: "bad"; code: HelloFault; reason: string };

const SERVER_NAME = 0;
const PROTOCOL_IDS = 16;
const PRE_SHARED_KEY = 41;
const EARLY_DATA = 42;
const SUPPORTED_VERSIONS = 43;
const ENCRYPTED_HELLO = 0xfe0d;
const HOST_NAME = 0;

/**
 * Decodes the body of a ClientHello, behind the header of its handshake message: all of `bytes`, or from `start` to `end`.
 * Costs are linear in its size.
 */
export function decodeClientHello(bytes: Uint8Array, start = 0, end = bytes.length): HelloDecoded {
  try {
    return { kind: "ok", value: readHello(new Reader(bytes, start, end)) };
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return { kind: "bad", code: error.code, reason: error.message };
  }
}

/** Whether a number of two bytes, of versions, suites and extensions, is reserved to mean nothing (RFC 8701). */
export function isGrease(value: number): boolean {
  return (value & 0x0f0f) === 0x0a0a && value >>> 8 === (value & 0xff);
}

class Malformed extends Error {
  readonly code: HelloFault;
  constructor(message: string, code: HelloFault = "hello_malformed") {
    super(message);
    this.code = code;
  }
}

function readHello(body: Reader): ClientHello {
  const version = body.number(2, "the version");
  if (version >>> 8 !== 3) throw new Malformed("the version is none of TLS");
  body.skip(32, "the random");
  const sessionId = body.vector(1, "the session id");
  if (sessionId.left > 32) throw new Malformed("the session id is longer than 32 bytes");
  const suites = body.vector(2, "the cipher suites");
  if (suites.left < 2 || suites.left % 2 !== 0) throw new Malformed("the list of cipher suites is empty or odd");
  if (!body.vector(1, "the compression methods").has(0)) throw new Malformed("the null compression is missing");
  const extensions = readExtensions(body);
  const { serverName, addressAsName } = readServerName(extensions.serverName);
  return {
    serverName,
    addressAsName,
    protocolIds: readProtocolIds(extensions.protocolIds),
    versions: readVersions(extensions.versions) ?? [version],
    sessionId: sessionId.bytes(),
    encrypted: extensions.encryptedHello?.first === 0,
    resumes: extensions.resumes,
    earlyData: extensions.earlyData,
  };
}

/** Those that are looked at; of the others it is enough that they are well formed. */
interface Extensions {
  serverName: Reader | undefined;
  protocolIds: Reader | undefined;
  versions: Reader | undefined;
  encryptedHello: Reader | undefined;
  resumes: boolean;
  earlyData: boolean;
}

/** By type: the hello that had it last, by its number. A set for each hello would cost more than all else of its reading. */
const seenIn = new Uint32Array(65_536);
let hellos = 0;

/** Before TLS 1.3 a hello may end without any. */
function readExtensions(body: Reader): Extensions {
  const found: Extensions = {
    serverName: undefined,
    protocolIds: undefined,
    versions: undefined,
    encryptedHello: undefined,
    resumes: false,
    earlyData: false,
  };
  if (body.left === 0) return found;
  const list = body.vector(2, "the extensions");
  if (body.left > 0) throw new Malformed("something stands behind the extensions");
  if (++hellos > 0xffff_ffff) {
    seenIn.fill(0);
    hellos = 1;
  }
  while (list.left > 0) {
    const type = list.number(2, "an extension");
    const size = list.number(2, "an extension");
    list.skip(size, "an extension");
    if (seenIn[type] === hellos) throw new Malformed("an extension is there twice");
    if (found.resumes) throw new Malformed("something stands behind the pre-shared key");
    seenIn[type] = hellos;
    if (type === SERVER_NAME) found.serverName = list.last(size);
    else if (type === PROTOCOL_IDS) found.protocolIds = list.last(size);
    else if (type === SUPPORTED_VERSIONS) found.versions = list.last(size);
    else if (type === ENCRYPTED_HELLO) found.encryptedHello = list.last(size);
    else if (type === PRE_SHARED_KEY) found.resumes = true;
    else if (type === EARLY_DATA) found.earlyData = true;
  }
  return found;
}

const NO_NAME = { serverName: undefined, addressAsName: false };

function readServerName(data: Reader | undefined): Pick<ClientHello, "serverName" | "addressAsName"> {
  if (data === undefined) return NO_NAME;
  const list = whole(data, 2, "the list of server names");
  // Of the one kind that was ever defined there may be one, and nobody knows how long another kind is.
  if (list.number(1, "the kind of the server name") !== HOST_NAME) throw badName("the server name is of another kind");
  const text = list.vector(2, "the server name");
  if (list.left > 0) throw badName("there is more than one server name");
  if (text.left === 0 || text.left > 255) throw badName("the server name is empty or longer than 255 bytes");
  const name = text.ascii()?.toLowerCase();
  if (name === undefined) throw badName("the server name holds what no name has");
  const canonical = canonicalHost(name);
  if (canonical.error === undefined && canonical.ip !== undefined)
    return { serverName: undefined, addressAsName: true };
  if (canonical.host !== name) throw badName("the server name is no canonical host name");
  return { serverName: name, addressAsName: false };
}

function badName(reason: string): Malformed {
  return new Malformed(reason, "hello_server_name");
}

function readProtocolIds(data: Reader | undefined): readonly string[] | undefined {
  if (data === undefined) return undefined;
  const list = whole(data, 2, "the list of protocol ids");
  if (list.left === 0) throw new Malformed("the list of protocol ids is empty");
  const ids: string[] = [];
  while (list.left > 0) {
    const text = list.vector(1, "a protocol id");
    if (text.left === 0) throw new Malformed("a protocol id is empty");
    if (text.left === 2 && isGrease(text.pair)) continue;
    // One that is not text cannot be configured, and so leads nowhere.
    const id = text.ascii() ?? decodeUtf8(text.bytes());
    if (id !== undefined) ids.push(id);
  }
  return ids;
}

function readVersions(data: Reader | undefined): number[] | undefined {
  if (data === undefined) return undefined;
  const list = whole(data, 1, "the list of versions");
  if (list.left < 2 || list.left % 2 !== 0) throw new Malformed("the list of versions is empty or odd");
  const versions: number[] = [];
  while (list.left > 0) {
    const version = list.number(2, "a version");
    if (!isGrease(version)) versions.push(version);
  }
  return versions;
}

/** The one vector that an extension consists of. */
function whole(data: Reader, sizeBytes: number, what: string): Reader {
  const list = data.vector(sizeBytes, what);
  if (data.left > 0) throw new Malformed(`something stands behind ${what}`);
  return list;
}

/** Reads on through a stretch of bytes; what is not there is a `Malformed`. Makes no view of the bytes unless asked: each costs more than a hello's reading. */
class Reader {
  readonly #bytes: Uint8Array;
  #at: number;
  readonly #end: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  /** The next byte, which stays. */
  get first(): number | undefined {
    return this.left === 0 ? undefined : this.#bytes[this.#at];
  }

  /** The next two bytes as a number, which stay. */
  get pair(): number {
    return this.#bytes[this.#at]! * 256 + this.#bytes[this.#at + 1]!;
  }

  skip(size: number, what: string): void {
    if (this.left < size) throw new Malformed(`${what} ends too early`);
    this.#at += size;
  }

  /** Unsigned, big endian. */
  number(size: number, what: string): number {
    this.skip(size, what);
    let value = 0;
    for (let i = this.#at - size; i < this.#at; i++) value = value * 256 + this.#bytes[i]!;
    return value;
  }

  /** What stands behind its own length (RFC 8446 section 3.4). */
  vector(sizeBytes: number, what: string): Reader {
    const size = this.number(sizeBytes, what);
    this.skip(size, what);
    return this.last(size);
  }

  /** What was skipped last, of that size. */
  last(size: number): Reader {
    return new Reader(this.#bytes, this.#at - size, this.#at);
  }

  /** All that is left, which stays. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(this.#at, this.#end);
  }

  has(byte: number): boolean {
    const found = this.#bytes.indexOf(byte, this.#at);
    return found !== -1 && found < this.#end;
  }

  /** All that is left as text; undefined where it is not of visible ASCII. */
  ascii(): string | undefined {
    let text = "";
    for (let i = this.#at; i < this.#end; i++) {
      const byte = this.#bytes[i]!;
      if (byte <= 0x20 || byte >= 0x7f) return undefined;
      text += String.fromCharCode(byte);
    }
    return text;
  }
}
