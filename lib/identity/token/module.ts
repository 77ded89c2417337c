/** A PKCS#11 module as the rest of lib/identity/token sees it, whichever binding calls it. Calls block; no binding is here. */
import { nameOfError } from "../../wire/cryptoki.ts";

/** A call that the module refused. */
export class TokenError extends Error {
  override readonly name = "TokenError";
  /** `C_Login` and so on. */
  readonly call: string;
  /** One of `CKR`. */
  readonly rv: number;

  constructor(call: string, rv: number) {
    super(`${call}: ${nameOfError(rv)}`);
    this.call = call;
    this.rv = rv;
  }
}

export interface LibraryInfo {
  readonly manufacturer: string;
  readonly description: string;
  readonly version: { readonly major: number; readonly minor: number };
}

export interface TokenInfo {
  readonly label: string;
  readonly manufacturer: string;
  readonly model: string;
  readonly serial: string;
  /** Of `CKF`. */
  readonly flags: number;
}

export interface Slot {
  readonly id: number;
  readonly description: string;
  readonly manufacturer: string;
  /** Undefined where none is in it. */
  readonly token: TokenInfo | undefined;
}

export interface Mechanism {
  /** One of `CKM`. */
  readonly number: number;
  /** Of RSA-PSS. */
  readonly pss?: { readonly hash: number; readonly mgf: number; readonly saltLength: number };
}

/** An attribute that objects are looked for by: a number is a CK_ULONG. */
export type Wanted = readonly [attribute: number, value: number | boolean | Uint8Array];

/** A session that only reads. Handles are valid as long as it is open. */
export interface TokenSession {
  /**
   * Whether it was logged in already, so that the PIN was not looked at. Throws `TokenError` for a wrong PIN too. Without
   * a PIN the token asks for it on a pad of its own.
   */
  login(pin: string | undefined): boolean;
  find(wanted: readonly Wanted[]): number[];
  /** The bytes of an attribute, a CK_ULONG little-endian; undefined where the object has none or does not give it out. */
  attribute(object: number, attribute: number): Uint8Array | undefined;
  /** What `mechanism` makes of `data`, as PKCS#11 has it: of ECDSA r and s behind each other. */
  sign(key: number, mechanism: Mechanism, data: Uint8Array, contextPin?: string): Uint8Array;
  close(): void;
}

export type Binding = "graphene-pk11" | "bun:ffi";

export interface TokenModule {
  /** Which binding calls it. */
  readonly binding: Binding;
  info(): LibraryInfo;
  slots(): Slot[];
  mechanisms(slot: number): number[];
  open(slot: number): TokenSession;
  close(): void;
}
