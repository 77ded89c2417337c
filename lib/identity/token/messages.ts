/** What is said between the program and the process that has a PKCS#11 module loaded. Sends nothing. */
import type { Binding, LibraryInfo, Mechanism, Slot, Wanted } from "./module.ts";

/** Each is answered by one reply, in order. */
export type Ask =
  | { readonly op: "load"; readonly path: string; readonly binding: Binding | undefined }
  | { readonly op: "slots" }
  | { readonly op: "mechanisms"; readonly slot: number }
  | { readonly op: "login"; readonly slot: number; readonly pin: string | undefined }
  | {
      readonly op: "objects";
      readonly slot: number;
      readonly wanted: readonly Wanted[];
      readonly attributes: readonly number[];
    }
  | {
      readonly op: "sign";
      readonly slot: number;
      readonly key: number;
      readonly mechanism: Mechanism;
      readonly data: Uint8Array;
      /** Of a key that wants it for each signature. */
      readonly contextPin: string | undefined;
    }
  /** Closes the session with a token: handles of before mean nothing after it. */
  | { readonly op: "forget"; readonly slot: number };

export interface FoundObject {
  readonly handle: number;
  /** In the order in which they were asked for; undefined for what the object does not have. */
  readonly values: readonly (Uint8Array | undefined)[];
}

export interface Answers {
  load: { readonly binding: string; readonly info: LibraryInfo };
  slots: readonly Slot[];
  mechanisms: readonly number[];
  /** Whether it was logged in already. */
  login: boolean;
  objects: readonly FoundObject[];
  sign: Uint8Array;
  forget: undefined;
}

export type Reply =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | {
      readonly id: number;
      readonly ok: false;
      readonly call: string | undefined;
      readonly rv: number;
      readonly message: string;
    };
