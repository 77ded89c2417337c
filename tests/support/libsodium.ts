/** The secretstream of libsodium itself, as an oracle: writes and reads what this project must read and write. */
import { dlopen } from "bun:ffi";
import { whichPeer } from "../../scripts/peer-list.ts";

export const LIBSODIUM = "library:libsodium.so.23";
export const libsodiumPath = whichPeer(LIBSODIUM) ?? undefined;

const STATE = 52;

/** Throws where Debian's libsodium23 is not installed. */
export function openLibsodium() {
  if (libsodiumPath === undefined) throw new Error("there is no libsodium.so.23");
  const { symbols: sodium } = dlopen(libsodiumPath, {
    sodium_init: { args: [], returns: "int" },
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
  sodium.sodium_init();
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
