/** One TLS connection of the system's OpenSSL, between bytes and bytes: it knows no socket, and waits for nothing. */
import { ptr, read, toArrayBuffer, type Pointer } from "bun:ffi";
import type { Openssl } from "./openssl.ts";
import { text } from "./openssl.ts";
import { lastReason, type OpensslContext } from "./openssl-context.ts";

export interface LayerSettings {
  readonly isServer: boolean;
  /** Ask a client for a certificate. */
  readonly requestCert: boolean;
  /** As `HandshakeOptions` of lib/net/tls-conn.ts has it. */
  readonly verify: boolean | "given";
  readonly protocolIds: readonly string[];
  readonly serverName: string | undefined;
}

/** What the handshake came to: `read` waits for bytes, `sign` for a signature, `turn` for another handshake to end. */
export type Progress = "done" | "read" | "sign" | "turn" | { readonly reason: string; readonly verify: number };

/** A signature that is wanted; `padding` counts for RSA keys. */
export interface SignatureWanted {
  readonly message: Uint8Array;
  /** In the library's words, such as `SHA2-256`; "" of Ed25519. */
  readonly digest: string;
  readonly padding: "pkcs1" | "pss" | undefined;
}

export interface LayerInfo {
  readonly version: string;
  readonly resumed: boolean;
  readonly serverName: string | undefined;
  readonly protocolId: string | undefined;
  readonly certificate: Uint8Array | undefined;
}

/** SSL_VERIFY_PEER, and that with SSL_VERIFY_FAIL_IF_NO_PEER_CERT. */
const VERIFY_PEER = 1;
const VERIFY_REQUIRED = 3;
/** Of SSL_get_error. */
const ERROR = { wantRead: 2, wantWrite: 3, zeroReturn: 6, wantAsync: 9, wantAsyncJob: 10 } as const;
/** Of SSL_ctrl. */
const CTRL = { mode: 33, serverName: 55, clearMode: 78 } as const;
const MODE_ASYNC = 0x100;
/** BIO_C_SET_BUF_MEM_EOF_RETURN. */
const EOF_RETURN = 130;
/** Places in the provider's request, in bytes. */
const REQUEST = { padding: 4, message: 8, messageLength: 16, digest: 52 } as const;
const PADDINGS: Readonly<Record<number, SignatureWanted["padding"]>> = { 1: "pkcs1", 6: "pss" };
const LONGEST_NAME = 40;
/** What one read gives: four records. */
const PIECE = 64 * 1024;

const piece = new Uint8Array(new ArrayBuffer(PIECE));
/** Lists of protocol ids that connections point to; there are as many as settings name. */
const lists = new Map<string, Uint8Array>();

export class OpensslLayer {
  /** Held as long as the connection is open. */
  readonly #context: OpensslContext;
  readonly #ssl: Pointer;
  readonly #in: Pointer;
  readonly #out: Pointer;
  #request: Pointer | undefined;
  #freed = false;

  constructor(context: OpensslContext, settings: LayerSettings) {
    this.#context = context;
    const { ssl, crypto } = this.#library;
    this.#ssl = ssl.SSL_new(context.pointer) as Pointer;
    this.#in = crypto.BIO_new(crypto.BIO_s_mem()) as Pointer;
    this.#out = crypto.BIO_new(crypto.BIO_s_mem()) as Pointer;
    if (!this.#ssl || !this.#in || !this.#out) throw new Error("OpenSSL has no memory left");
    // What is not there yet is no end.
    crypto.BIO_ctrl(this.#in, EOF_RETURN, -1, null);
    crypto.BIO_ctrl(this.#out, EOF_RETURN, -1, null);
    ssl.SSL_set_bio(this.#ssl, this.#in, this.#out);
    ssl.SSL_ctrl(this.#ssl, CTRL.mode, MODE_ASYNC, null);
    this.#prepare(settings);
  }

  get #library(): Openssl {
    return this.#context.library;
  }

  #prepare({ isServer, requestCert, verify, protocolIds, serverName }: LayerSettings): void {
    const { ssl, acceptAny } = this.#library;
    if (isServer) ssl.SSL_set_accept_state(this.#ssl);
    else ssl.SSL_set_connect_state(this.#ssl);
    if (verify !== false)
      ssl.SSL_set_verify(this.#ssl, isServer && verify === true ? VERIFY_REQUIRED : VERIFY_PEER, null);
    else if (requestCert) ssl.SSL_set_verify(this.#ssl, VERIFY_PEER, acceptAny);
    if (protocolIds.length > 0) {
      const list = protocolList(protocolIds);
      if (isServer) ssl.SSL_set_ex_data(this.#ssl, 0, list);
      else ssl.SSL_set_alpn_protos(this.#ssl, list.slice(2), list.length - 2);
    }
    // TLSEXT_NAMETYPE_host_name.
    if (!isServer && serverName) ssl.SSL_ctrl(this.#ssl, CTRL.serverName, 0, text(serverName) as never);
  }

  /** Goes as far as it can. What it has for the peer is in `take`, also where it failed: an alert. */
  handshake(): Progress {
    const { ssl, crypto, provider } = this.#library;
    crypto.ERR_clear_error();
    const done = ssl.SSL_do_handshake(this.#ssl);
    if (done === 1) {
      // From here on nothing is signed: records need no stack of their own.
      ssl.SSL_ctrl(this.#ssl, CTRL.clearMode, MODE_ASYNC, null);
      return "done";
    }
    const error = ssl.SSL_get_error(this.#ssl, done);
    if (error === ERROR.wantRead || error === ERROR.wantWrite) return "read";
    if (error === ERROR.wantAsyncJob) return "turn";
    if (error === ERROR.wantAsync) {
      this.#request = (provider.take_request() ?? this.#request) as Pointer;
      return "sign";
    }
    return { reason: lastReason(this.#library), verify: Number(ssl.SSL_get_verify_result(this.#ssl)) };
  }

  /** After `sign`. A copy: the library's own goes when the handshake goes on. */
  wanted(): SignatureWanted {
    const request = this.#request!;
    const length = Number(read.u64(request, REQUEST.messageLength));
    const message = new Uint8Array(toArrayBuffer(read.ptr(request, REQUEST.message) as Pointer, 0, length)).slice();
    const name = new Uint8Array(toArrayBuffer(request, REQUEST.digest, LONGEST_NAME));
    const digest = Buffer.from(name.subarray(0, name.indexOf(0))).toString("latin1");
    return { message, digest, padding: PADDINGS[read.i32(request, REQUEST.padding)] };
  }

  /** What was wanted; undefined where it cannot be had, which fails the handshake. To be followed by `handshake`. */
  sign(signature: Uint8Array | undefined): void {
    if (this.#request === undefined) return;
    this.#library.provider.answer(this.#request, signature ?? null, signature?.length ?? 0);
    this.#request = undefined;
  }

  /** Bytes of the peer. */
  feed(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#library.crypto.BIO_write(this.#in, bytes, bytes.length);
  }

  /** Bytes for the peer. */
  take(): Uint8Array | undefined {
    const { crypto } = this.#library;
    const length = Number(crypto.BIO_ctrl_pending(this.#out));
    if (length === 0) return undefined;
    const bytes = new Uint8Array(length);
    crypto.BIO_read(this.#out, bytes, length);
    return bytes;
  }

  /** What the peer has said; undefined where there is nothing yet, `end` behind its close_notify. */
  read(): Uint8Array | "end" | { readonly reason: string } | undefined {
    const { ssl, crypto } = this.#library;
    crypto.ERR_clear_error();
    let length = 0;
    let got: number;
    // A call gives one record at most, and few large chunks are cheaper for whoever takes them.
    do {
      got = ssl.SSL_read(this.#ssl, length === 0 ? piece : piece.subarray(length), PIECE - length);
      if (got > 0) length += got;
    } while (got > 0 && length < PIECE);
    // What ended it is found again.
    if (length > 0) return piece.slice(0, length);
    const error = ssl.SSL_get_error(this.#ssl, got);
    if (error === ERROR.wantRead || error === ERROR.wantWrite) return undefined;
    return error === ERROR.zeroReturn ? "end" : { reason: lastReason(this.#library) };
  }

  /** False where the connection is broken. */
  write(bytes: Uint8Array): boolean {
    const { ssl, crypto } = this.#library;
    crypto.ERR_clear_error();
    return bytes.length === 0 || ssl.SSL_write(this.#ssl, bytes, bytes.length) === bytes.length;
  }

  /** Says close_notify; what the peer still says can be read. */
  end(): void {
    this.#library.crypto.ERR_clear_error();
    this.#library.ssl.SSL_shutdown(this.#ssl);
  }

  /** Of a finished handshake. */
  info(): LayerInfo {
    const { ssl } = this.#library;
    return {
      version: String(ssl.SSL_get_version(this.#ssl)),
      resumed: ssl.SSL_session_reused(this.#ssl) === 1,
      serverName: ssl.SSL_get_servername(this.#ssl, 0)?.toString() || undefined,
      protocolId: this.#protocolId(),
      certificate: this.#certificate(),
    };
  }

  #protocolId(): string | undefined {
    const address = new BigUint64Array(new ArrayBuffer(8));
    const length = new Uint32Array(new ArrayBuffer(4));
    this.#library.ssl.SSL_get0_alpn_selected(this.#ssl, address, length);
    if (address[0] === 0n || length[0] === 0) return undefined;
    return Buffer.from(toArrayBuffer(Number(address[0]) as Pointer, 0, length[0])).toString("utf8");
  }

  #certificate(): Uint8Array | undefined {
    const { ssl, crypto } = this.#library;
    const certificate = ssl.SSL_get1_peer_certificate(this.#ssl) as Pointer | null;
    if (certificate === null) return undefined;
    const length = crypto.i2d_X509(certificate, null);
    const der = new Uint8Array(new ArrayBuffer(Math.max(length, 1)));
    const slot = BigUint64Array.of(BigInt(ptr(der)));
    crypto.i2d_X509(certificate, slot);
    crypto.X509_free(certificate);
    return der.subarray(0, Math.max(length, 0));
  }

  /** Once, and nothing after it. A handshake that waits for a signature is failed first: its stack would be lost. */
  free(): void {
    if (this.#freed) return;
    this.#freed = true;
    if (this.#request !== undefined) {
      this.sign(undefined);
      this.#library.ssl.SSL_do_handshake(this.#ssl);
    }
    this.#library.ssl.SSL_free(this.#ssl);
  }
}

/** RFC 7301 section 3.1, with two bytes for the length of all in front. */
function protocolList(ids: readonly string[]): Uint8Array {
  const key = JSON.stringify(ids);
  const known = lists.get(key);
  if (known !== undefined) return known;
  const names = ids.flatMap((id) => [Buffer.byteLength(id), ...Buffer.from(id)]);
  const list = new Uint8Array(new ArrayBuffer(names.length + 2));
  list.set([names.length >> 8, names.length & 0xff, ...names]);
  lists.set(key, list);
  return list;
}
