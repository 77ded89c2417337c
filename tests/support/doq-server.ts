/** A program: DNS over QUIC (RFC 9250) that answers every question with no records. Its arguments are the PEM files of a key and a certificate; loopback only. */
import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { listen } from "node:quic";

const [key, certificate] = process.argv.slice(2) as [string, string];
const identity = { keys: [createPrivateKey(readFileSync(key))], certs: [readFileSync(certificate)] };

interface Stream extends AsyncIterable<Uint8Array | Uint8Array[]> {
  setBody(bytes: Uint8Array): void;
}

async function answer(stream: Stream): Promise<void> {
  const pieces: Uint8Array[] = [];
  for await (const some of stream) pieces.push(...(Array.isArray(some) ? some : [some]));
  const message = Buffer.concat(pieces);
  // Behind two bytes of length and the id: QR.
  message[4]! |= 0x80;
  stream.setBody(message);
}

const accept = (session: { onstream?: unknown }) => {
  session.onstream = (stream: Stream) => void answer(stream);
};
const options = { alpn: ["doq"], sni: { "*": identity }, endpoint: { address: "127.0.0.1:0" } };
const endpoint = await (
  listen as unknown as (take: typeof accept, how: typeof options) => Promise<{ address: { port: number } }>
)(accept, options);
process.stdout.write(`${endpoint.address.port}\n`);
