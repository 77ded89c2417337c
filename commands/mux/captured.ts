/** The first bytes of a client, as they were captured: what they ask a multiplexer for. Listens nowhere. */
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import { recogniseFirstBytes, type FirstBytesName } from "../../lib/session/first-bytes.ts";
import { HelloRecords, LONGEST_HELLO } from "../../lib/wire/hello-records.ts";
import type { Asked, HelloWay } from "./routes/table.ts";

export type Captured = { kind: "hello"; asked: Asked; way: HelloWay } | { kind: "plain"; bytes: Uint8Array };

/** Of PostgreSQL's request for TLS. */
const REQUEST = 8;
const HELLOS: Partial<Record<FirstBytesName, HelloWay>> = { tls: "tls", "postgres-tls": "postgres" };

/** `bytes` are raw, or hexadecimal digits. Throws `PortailError` (65) for a hello that is not whole or not right. */
export function readCaptured(bytes: Uint8Array): Captured {
  const raw = fromHex(bytes);
  const found = recogniseFirstBytes(raw);
  const way = found === "more" || found === "unknown" ? undefined : HELLOS[found];
  if (way === undefined) return { kind: "plain", bytes: raw };
  const answer = new HelloRecords(LONGEST_HELLO).read(way === "tls" ? raw : raw.subarray(REQUEST));
  if (answer.kind === "ok") return { kind: "hello", asked: answer.value, way };
  const [code, reason] = answer.kind === "bad" ? [answer.code, answer.reason] : ["hello_cut", "the hello is not whole"];
  throw new PortailError(`these bytes are no ClientHello: ${reason}`, {
    code: `mux.${code}`,
    exit: EXIT.badData,
    hint: "give all that the client sends first, raw or as hexadecimal digits",
  });
}

function fromHex(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes).toString("latin1");
  const digits = text.replace(/\s+/g, "");
  return digits.length > 1 && digits.length % 2 === 0 && /^[0-9a-fA-F]+$/.test(digits)
    ? Buffer.from(digits, "hex")
    : bytes;
}
