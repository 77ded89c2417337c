/** PKCS#11 modules through graphene-pk11, whose addon is there where it was built. Blocks while the module works. */
import type * as Graphene from "graphene-pk11";
import { CKR, CKU, CKF_SERIAL_SESSION } from "../../wire/cryptoki.ts";
import { TokenError } from "./module.ts";
import type { LibraryInfo, Mechanism, Slot, TokenInfo, TokenModule, TokenSession, Wanted } from "./module.ts";

type Library = typeof Graphene;

/** Undefined where its addon was not built, or does not load here. */
export async function loadGraphene(): Promise<Library | undefined> {
  try {
    return await import("graphene-pk11");
  } catch {
    return undefined;
  }
}

/** Loads and initializes the module. Throws `TokenError`, or an `Error` where the library cannot be loaded. */
export function openByGraphene(graphene: Library, path: string): TokenModule {
  const module = told(() => graphene.Module.load(path, path));
  try {
    told(() => module.initialize());
  } catch (error) {
    if (!(error instanceof TokenError) || error.rv !== CKR.cryptokiAlreadyInitialized) throw error;
  }
  return new GrapheneModule(graphene, module);
}

class GrapheneModule implements TokenModule {
  readonly binding = "graphene-pk11";
  readonly #graphene: Library;
  readonly #module: Graphene.Module;

  constructor(graphene: Library, module: Graphene.Module) {
    this.#graphene = graphene;
    this.#module = module;
  }

  info(): LibraryInfo {
    const { manufacturerID, libraryDescription, libraryVersion } = this.#module;
    const { major, minor } = libraryVersion;
    return {
      manufacturer: trimmed(manufacturerID),
      description: trimmed(libraryDescription),
      version: { major, minor },
    };
  }

  slots(): Slot[] {
    return this.#all().map((slot) => ({
      id: numberOf(slot.handle),
      description: trimmed(slot.slotDescription),
      manufacturer: trimmed(slot.manufacturerID),
      token: this.#token(slot),
    }));
  }

  #all(): Graphene.Slot[] {
    return told(() => {
      const found = this.#module.getSlots(false);
      return Array.from({ length: found.length }, (_, i) => found.items(i));
    });
  }

  #token(slot: Graphene.Slot): TokenInfo | undefined {
    try {
      const { label, manufacturerID, model, serialNumber, flags } = told(() => slot.getToken());
      const texts = [label, manufacturerID, model, serialNumber].map(trimmed) as [string, string, string, string];
      return { label: texts[0], manufacturer: texts[1], model: texts[2], serial: texts[3], flags };
    } catch (error) {
      const absent: readonly number[] = [CKR.tokenNotPresent, CKR.tokenNotRecognized, CKR.deviceRemoved];
      if (error instanceof TokenError && absent.includes(error.rv)) return undefined;
      throw error;
    }
  }

  mechanisms(slot: number): number[] {
    return told(() => {
      const found = this.#slot(slot).getMechanisms();
      return Array.from({ length: found.length }, (_, i) => found.items(i).type);
    });
  }

  #slot(id: number): Graphene.Slot {
    const slot = this.#all().find(({ handle }) => numberOf(handle) === id);
    if (slot === undefined) throw new TokenError("C_GetSlotInfo", CKR.slotIdInvalid);
    return slot;
  }

  open(slot: number): TokenSession {
    return new GrapheneSession(
      this.#graphene,
      told(() => this.#slot(slot).open(CKF_SERIAL_SESSION)),
    );
  }

  close(): void {
    this.#module.finalize();
  }
}

class GrapheneSession implements TokenSession {
  readonly #graphene: Library;
  readonly #session: Graphene.Session;

  constructor(graphene: Library, session: Graphene.Session) {
    this.#graphene = graphene;
    this.#session = session;
  }

  login(pin: string | undefined): boolean {
    try {
      told(() => this.#session.login(pin as string, CKU.user), "C_Login");
      return false;
    } catch (error) {
      if (!(error instanceof TokenError) || error.rv !== CKR.userAlreadyLoggedIn) throw error;
      return true;
    }
  }

  /** By the calls below graphene's objects, which know attributes by their names only. */
  find(wanted: readonly Wanted[]): number[] {
    const { lib, handle } = this.#session;
    return told(() => {
      lib.C_FindObjectsInit(
        handle,
        wanted.map(([type, value]) => ({ type, value: valueOf(value) })),
      );
      try {
        const found: number[] = [];
        for (let objects = lib.C_FindObjects(handle, 64); objects.length > 0; objects = lib.C_FindObjects(handle, 64))
          found.push(...objects.map(numberOf));
        return found;
      } finally {
        lib.C_FindObjectsFinal(handle);
      }
    });
  }

  attribute(object: number, attribute: number): Uint8Array | undefined {
    const { lib, handle } = this.#session;
    try {
      const [found] = lib.C_GetAttributeValue(handle, handleOf(object), [{ type: attribute }]);
      const value = found?.value;
      return Buffer.isBuffer(value) ? Uint8Array.from(value) : undefined;
    } catch {
      // The object has none, or does not give it out.
      return undefined;
    }
  }

  sign(key: number, { number, pss }: Mechanism, data: Uint8Array, contextPin?: string): Uint8Array {
    return told(() => {
      const { lib, handle } = this.#session;
      const parameter = pss && new this.#graphene.RsaPssParams(pss.hash, pss.mgf, pss.saltLength).toCKI();
      told(() => lib.C_SignInit(handle, { mechanism: number, parameter } as never, handleOf(key)), "C_SignInit");
      if (contextPin !== undefined) lib.C_Login(handle, CKU.contextSpecific, contextPin);
      return Uint8Array.from(lib.C_Sign(handle, Buffer.from(data), Buffer.alloc(2048)));
    });
  }

  close(): void {
    try {
      this.#session.close();
    } catch {
      // It was lost before.
    }
  }
}

function valueOf(value: Wanted[1]): Buffer | boolean | number {
  return value instanceof Uint8Array ? Buffer.from(value) : value;
}

const trimmed = (text: string): string => text.replace(/[ \0]+$/, "");

const numberOf = (handle: Buffer): number => Number(handle.readBigUInt64LE());

function handleOf(number: number): Buffer {
  const handle = Buffer.alloc(8);
  handle.writeBigUInt64LE(BigInt(number));
  return handle;
}

/** What the module refuses becomes a `TokenError`; `name` is for what the addon does not name. */
function told<T>(call: () => T, name = "the module"): T {
  try {
    return call();
  } catch (error) {
    // Its class is not exported, and has another name in a program that was made small.
    const { code, method, message } = error as { code?: unknown; method?: string; message: string };
    if (typeof code === "number" && message.startsWith("CKR_")) throw new TokenError(method || name, code);
    throw error;
  }
}
