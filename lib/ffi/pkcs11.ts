/** PKCS#11 modules through the foreign function interface, for LP64 systems. Blocks while the module works: not for the event loop. */
import { CFunction, dlopen, ptr, read, type FFIFunction, type Pointer } from "bun:ffi";
import { isAbsolute } from "node:path";
import { CKF_OS_LOCKING_OK, CKF_SERIAL_SESSION, CKR, CKU } from "../wire/cryptoki.ts";
import { decodeUtf8 } from "../wire/utf8.ts";
import { TokenError } from "../identity/token/module.ts";
import type {
  LibraryInfo,
  Mechanism,
  Slot,
  TokenInfo,
  TokenModule,
  TokenSession,
  Wanted,
} from "../identity/token/module.ts";

/** Calls that are used: their places in CK_FUNCTION_LIST (PKCS#11 2.40 section 3.6), and their arguments. */
const CALLS = {
  C_Initialize: [0, ["ptr"]],
  C_Finalize: [1, ["ptr"]],
  C_GetInfo: [2, ["ptr"]],
  C_GetSlotList: [4, ["u8", "ptr", "ptr"]],
  C_GetSlotInfo: [5, ["u64", "ptr"]],
  C_GetTokenInfo: [6, ["u64", "ptr"]],
  C_GetMechanismList: [7, ["u64", "ptr", "ptr"]],
  C_OpenSession: [12, ["u64", "u64", "ptr", "ptr", "ptr"]],
  C_CloseSession: [13, ["u64"]],
  C_Login: [18, ["u64", "u64", "ptr", "u64"]],
  C_GetAttributeValue: [24, ["u64", "u64", "ptr", "u64"]],
  C_FindObjectsInit: [26, ["u64", "ptr", "u64"]],
  C_FindObjects: [27, ["u64", "ptr", "u64", "ptr"]],
  C_FindObjectsFinal: [28, ["u64"]],
  C_SignInit: [42, ["u64", "ptr", "u64"]],
  C_Sign: [43, ["u64", "ptr", "u64", "ptr", "ptr"]],
} as const satisfies Record<string, readonly [number, FFIFunction["args"]]>;

type Call = keyof typeof CALLS;
type Value = number | bigint | Uint8Array | BigUint64Array | Pointer | null;

/** CK_UNAVAILABLE_INFORMATION, all ones. */
const UNAVAILABLE = 2n ** 64n - 1n;
/** What a module may say that there is of something; more is a broken module. */
const MOST = 65_536;
/** No signature is longer: that of RSA with 16384 bits. */
const LONGEST_SIGNATURE = 2048;

/** Loads and initializes the module. Throws `TokenError`, or an `Error` where the library cannot be loaded. */
export function openModule(path: string): TokenModule {
  // A bare name would be looked up in the current directory too.
  if (!isAbsolute(path)) throw new Error("the path of a module must be absolute");
  const { C_GetFunctionList: getList } = dlopen(path, {
    C_GetFunctionList: { args: ["ptr"], returns: "u64" },
  }).symbols;
  const slot = new BigUint64Array(1);
  const rv = Number(getList(slot));
  if (rv !== CKR.ok) throw new TokenError("C_GetFunctionList", rv);
  const module = new Cryptoki(Number(slot[0]) as Pointer);
  module.initialize();
  return module;
}

class Cryptoki implements TokenModule {
  readonly binding = "bun:ffi";
  readonly #calls: Record<Call, (...args: Value[]) => number | bigint>;

  constructor(list: Pointer) {
    const entries = Object.entries(CALLS).map(([name, [place, args]]) => {
      const at = read.ptr(list, 8 + 8 * place) as Pointer;
      return [name, CFunction({ ptr: at, args: [...args], returns: "u64" })];
    });
    this.#calls = Object.fromEntries(entries);
  }

  call(name: Call, ...args: Value[]): void {
    const rv = this.answer(name, ...args);
    if (rv !== CKR.ok) throw new TokenError(name, rv);
  }

  answer(name: Call, ...args: Value[]): number {
    return Number(this.#calls[name](...args));
  }

  initialize(): void {
    const args = new BigUint64Array(6);
    args[4] = BigInt(CKF_OS_LOCKING_OK);
    const rv = this.answer("C_Initialize", args);
    if (rv !== CKR.ok && rv !== CKR.cryptokiAlreadyInitialized) throw new TokenError("C_Initialize", rv);
  }

  info(): LibraryInfo {
    const info = new Uint8Array(88);
    this.call("C_GetInfo", info);
    return {
      manufacturer: padded(info, 2, 32),
      description: padded(info, 48, 32),
      version: { major: info[80]!, minor: info[81]! },
    };
  }

  slots(): Slot[] {
    return this.#list((list, count) => this.call("C_GetSlotList", 0, list, count)).map((id) => {
      const info = new Uint8Array(112);
      this.call("C_GetSlotInfo", id, info);
      return { id, description: padded(info, 0, 64), manufacturer: padded(info, 64, 32), token: this.#token(id) };
    });
  }

  #token(slot: number): TokenInfo | undefined {
    const info = new Uint8Array(208);
    const rv = this.answer("C_GetTokenInfo", slot, info);
    if (rv === CKR.tokenNotPresent || rv === CKR.tokenNotRecognized || rv === CKR.deviceRemoved) return undefined;
    if (rv !== CKR.ok) throw new TokenError("C_GetTokenInfo", rv);
    return {
      label: padded(info, 0, 32),
      manufacturer: padded(info, 32, 32),
      model: padded(info, 64, 16),
      serial: padded(info, 80, 16),
      flags: Number(new DataView(info.buffer).getBigUint64(96, true)),
    };
  }

  mechanisms(slot: number): number[] {
    return this.#list((list, count) => this.call("C_GetMechanismList", slot, list, count));
  }

  /** Asked twice: how many there are, and what they are. */
  #list(ask: (list: BigUint64Array | null, count: BigUint64Array) => void): number[] {
    const count = new BigUint64Array(1);
    ask(null, count);
    if (count[0] === 0n) return [];
    const list = new BigUint64Array(Math.min(Number(count[0]), MOST));
    count[0] = BigInt(list.length);
    ask(list, count);
    return [...list.subarray(0, Number(count[0]))].map(Number);
  }

  open(slot: number): TokenSession {
    const handle = new BigUint64Array(1);
    this.call("C_OpenSession", slot, CKF_SERIAL_SESSION, null, null, handle);
    return new Session(this, handle[0]!);
  }

  close(): void {
    this.answer("C_Finalize", null);
  }
}

class Session implements TokenSession {
  readonly #module: Cryptoki;
  readonly #handle: bigint;

  constructor(module: Cryptoki, handle: bigint) {
    this.#module = module;
    this.#handle = handle;
  }

  login(pin: string | undefined): boolean {
    return this.#login(CKU.user, pin);
  }

  #login(user: number, pin: string | undefined): boolean {
    const bytes = pin === undefined ? null : Buffer.from(pin, "utf8");
    // An empty array has no address.
    const text = bytes?.length === 0 ? Buffer.alloc(1) : bytes;
    const rv = this.#module.answer("C_Login", this.#handle, user, text, bytes?.length ?? 0);
    bytes?.fill(0);
    if (rv !== CKR.ok && rv !== CKR.userAlreadyLoggedIn) throw new TokenError("C_Login", rv);
    return rv === CKR.userAlreadyLoggedIn;
  }

  find(wanted: readonly Wanted[]): number[] {
    const { bytes, kept } = template(wanted);
    this.#module.call("C_FindObjectsInit", this.#handle, wanted.length === 0 ? null : bytes, wanted.length);
    try {
      const found: number[] = [];
      const some = new BigUint64Array(64);
      const count = new BigUint64Array(1);
      do {
        this.#module.call("C_FindObjects", this.#handle, some, some.length, count);
        found.push(...[...some.subarray(0, Number(count[0]))].map(Number));
      } while (count[0]! > 0n && found.length < MOST);
      return found;
    } finally {
      kept.length = 0;
      this.#module.call("C_FindObjectsFinal", this.#handle);
    }
  }

  attribute(object: number, attribute: number): Uint8Array | undefined {
    const ask = BigUint64Array.of(BigInt(attribute), 0n, 0n);
    // Of the errors each means that there is no value to be had.
    if (this.#module.answer("C_GetAttributeValue", this.#handle, object, ask, 1) !== CKR.ok) return undefined;
    const length = ask[2]!;
    if (length === UNAVAILABLE || length > MOST) return undefined;
    if (length === 0n) return new Uint8Array(0);
    const value = new Uint8Array(new ArrayBuffer(Number(length)));
    ask[1] = BigInt(ptr(value));
    if (this.#module.answer("C_GetAttributeValue", this.#handle, object, ask, 1) !== CKR.ok) return undefined;
    return value.subarray(0, Number(ask[2]));
  }

  sign(key: number, { number, pss }: Mechanism, data: Uint8Array, contextPin?: string): Uint8Array {
    const parameter = pss && BigUint64Array.of(BigInt(pss.hash), BigInt(pss.mgf), BigInt(pss.saltLength));
    const [address, length] = parameter === undefined ? [0n, 0n] : [BigInt(ptr(parameter)), 24n];
    const mechanism = BigUint64Array.of(BigInt(number), address, length);
    this.#module.call("C_SignInit", this.#handle, mechanism, key);
    if (contextPin !== undefined) this.#login(CKU.contextSpecific, contextPin);
    const signature = new Uint8Array(new ArrayBuffer(LONGEST_SIGNATURE));
    const size = BigUint64Array.of(BigInt(signature.length));
    this.#module.call("C_Sign", this.#handle, data, data.length, signature, size);
    // Where the parameter stood until now.
    if (parameter !== undefined) parameter.fill(0n);
    return signature.slice(0, Number(size[0]));
  }

  close(): void {
    this.#module.answer("C_CloseSession", this.#handle);
  }
}

/** An array of CK_ATTRIBUTE, and what its addresses lead to. */
function template(wanted: readonly Wanted[]): { bytes: BigUint64Array; kept: Uint8Array[] } {
  const bytes = new BigUint64Array(Math.max(3 * wanted.length, 1));
  const kept = wanted.map(([attribute, value], i) => {
    const content = contentOf(value);
    bytes.set([BigInt(attribute), content.length === 0 ? 0n : BigInt(ptr(content)), BigInt(content.length)], 3 * i);
    return content;
  });
  return { bytes, kept };
}

/** In memory of its own, which does not move. */
function contentOf(value: Wanted[1]): Uint8Array {
  if (typeof value === "boolean") return new Uint8Array(new ArrayBuffer(1)).fill(value ? 1 : 0);
  if (typeof value === "number") return new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);
  const copy = new Uint8Array(new ArrayBuffer(value.length));
  copy.set(value);
  return copy;
}

/** Text that spaces fill up; what is no UTF-8 is taken for Latin-1. */
function padded(bytes: Uint8Array, at: number, length: number): string {
  const field = bytes.subarray(at, at + length);
  // Some end with a zero byte instead.
  const end = field.indexOf(0);
  const text = end === -1 ? field : field.subarray(0, end);
  return (decodeUtf8(text) ?? Buffer.from(text).toString("latin1")).trimEnd();
}
