/** Entries of the journal in its native protocol (systemd's JOURNAL_NATIVE_PROTOCOL). Sends nothing. */

const encoder = new TextEncoder();
const NEWLINE = 10;

/** Names are `[A-Z][A-Z0-9_]*`, at most 64 characters; a value may hold anything. */
export function encodeJournalEntry(fields: Iterable<readonly [name: string, value: string]>): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [name, value] of fields) {
    if (!value.includes("\n")) {
      parts.push(encoder.encode(`${name}=${value}\n`));
      continue;
    }
    const bytes = encoder.encode(value);
    const length = new Uint8Array(8);
    new DataView(length.buffer).setBigUint64(0, BigInt(bytes.length), true);
    parts.push(encoder.encode(`${name}\n`), length, bytes, Uint8Array.of(NEWLINE));
  }
  return joined(parts);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
