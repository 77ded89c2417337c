/** The system's libsodium, which nobody here wrote, called as its manual says: what wraps keys, stretches passwords and makes streams there. */
import { dlopen } from "bun:ffi";
import { whichPeer } from "../../scripts/peer-list.ts";

/** As scripts/peer-list.ts names it, for `needing` and `scenario`. */
export const LIBSODIUM = "lib:libsodium.so.23";
export const libsodiumPath = whichPeer(LIBSODIUM) ?? undefined;

const TAG_BYTES = 16;
/** crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_INTERACTIVE and MEMLIMIT_INTERACTIVE. */
const INTERACTIVE = [524_288, 16_777_216] as const;

let opened: ReturnType<typeof open> | undefined;

function open() {
  const { symbols } = dlopen(libsodiumPath!, {
    sodium_init: { args: [], returns: "int" },
    crypto_secretbox_easy: { args: ["ptr", "ptr", "u64", "ptr", "ptr"], returns: "int" },
    crypto_secretbox_open_easy: { args: ["ptr", "ptr", "u64", "ptr", "ptr"], returns: "int" },
    crypto_pwhash_scryptsalsa208sha256: {
      args: ["ptr", "u64", "ptr", "u64", "ptr", "u64", "usize"],
      returns: "int",
    },
    crypto_secretstream_xchacha20poly1305_init_push: { args: ["ptr", "ptr", "ptr"], returns: "int" },
    crypto_secretstream_xchacha20poly1305_init_pull: { args: ["ptr", "ptr", "ptr"], returns: "int" },
    crypto_secretstream_xchacha20poly1305_push: {
      args: ["ptr", "ptr", "ptr", "ptr", "u64", "ptr", "u64", "u8"],
      returns: "int",
    },
    crypto_secretstream_xchacha20poly1305_pull: {
      args: ["ptr", "ptr", "ptr", "ptr", "ptr", "u64", "ptr", "u64"],
      returns: "int",
    },
  });
  if (symbols.sodium_init() < 0) throw new Error("sodium_init failed");
  return symbols;
}

const library = () => (opened ??= open());

/** crypto_secretbox_easy: tag and ciphertext. */
export function secretbox(message: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array {
  const out = new Uint8Array(message.length + TAG_BYTES);
  expectDone(library().crypto_secretbox_easy(out, message, message.length, nonce, key));
  return out;
}

/** crypto_secretbox_open_easy; undefined where the tag is wrong. */
export function secretboxOpen(box: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array | undefined {
  const out = new Uint8Array(box.length - TAG_BYTES);
  return library().crypto_secretbox_open_easy(out, box, box.length, nonce, key) === 0 ? out : undefined;
}

/** crypto_pwhash_scryptsalsa208sha256 with the limits that libsodium calls interactive: 32 bytes. */
export function scryptInteractive(password: Uint8Array, salt: Uint8Array): Uint8Array {
  const out = new Uint8Array(32);
  const bytes = password.length === 0 ? new Uint8Array(1) : password;
  const done = library().crypto_pwhash_scryptsalsa208sha256(out, 32, bytes, password.length, salt, ...INTERACTIVE);
  expectDone(done);
  return out;
}

function expectDone(status: number): void {
  if (status !== 0) throw new Error(`libsodium: ${status}`);
}

/** Bytes of the state of a secretstream. */
const STATE = 52;

/** Makes and opens secretstreams. */
export function openLibsodium() {
  const sodium = library();
  return {
    /** Makes a stream under `key`; its header is random. */
    push(key: Uint8Array) {
      const state = room(STATE);
      const header = room(24);
      sodium.crypto_secretstream_xchacha20poly1305_init_push(state, header, key);
      return {
        header,
        seal(message: Uint8Array, tag: number): Uint8Array {
          const sealed = room(message.length + 17);
          const { crypto_secretstream_xchacha20poly1305_push: push } = sodium;
          push(state, sealed, null, message.length === 0 ? null : message, message.length, null, 0, tag);
          return sealed;
        },
      };
    },
    /** Opens one; undefined for a message that is not genuine. */
    pull(key: Uint8Array, header: Uint8Array) {
      const state = room(STATE);
      sodium.crypto_secretstream_xchacha20poly1305_init_pull(state, header, key);
      return (sealed: Uint8Array): { message: Uint8Array; tag: number } | undefined => {
        const message = room(sealed.length - 17);
        const tag = room(1);
        const { crypto_secretstream_xchacha20poly1305_pull: pull } = sodium;
        const out = message.length === 0 ? null : message;
        if (pull(state, out, null, tag, sealed, sealed.length, null, 0) !== 0) return undefined;
        return { message, tag: tag[0]! };
      };
    },
  };
}

/** A buffer of its own, which does not move. */
function room(length: number): Uint8Array {
  return new Uint8Array(new ArrayBuffer(length));
}
