/** `Conn` over the system's OpenSSL, for a key that only signs: its handshakes wait for signatures, and nobody else does. */
import { OpensslLayer, type Progress, type SignatureWanted } from "../ffi/openssl-layer.ts";
import type { Scheme } from "../identity/signer.ts";
import { BaseConn } from "./base-conn.ts";
import type { Conn, Early, SocketAddress, TlsInfo } from "./conn.ts";
import { Due } from "./deadlines.ts";
import { KeepAlive } from "./keep-alive.ts";
import { endWith } from "./linger.ts";
import { opensslFailure } from "./openssl-failure.ts";
import type { OpensslTls } from "./openssl-tls.ts";
import type { HandshakeOptions } from "./tls-conn.ts";
import { TlsFailure } from "./tls-failure.ts";

/** The connection below has its own. */
const NO_PROBES = new KeepAlive(0);

/** Handshakes that wait until another one has its signature: the library has stacks for so many. */
const waiting: Handshake[] = [];

/** As `secure` of tls.ts, whose contract this keeps. */
export function secureByOpenssl(
  conn: Conn,
  early: Early,
  isServer: boolean,
  tls: OpensslTls,
  options: HandshakeOptions,
): Promise<Conn | TlsFailure> {
  return new Promise((resolve) => new Handshake(conn, isServer, tls, options, resolve).begin(early));
}

class Handshake extends Due {
  readonly #below: Conn;
  readonly #tls: OpensslTls;
  readonly #options: HandshakeOptions;
  readonly #resolve: (outcome: Conn | TlsFailure) => void;
  readonly #layer: OpensslLayer;
  #signing = false;
  #over = false;
  /** Of the peer. */
  #firstByte: number | undefined;
  /** Why there was no signature. */
  #unsigned: Error | undefined;

  constructor(
    below: Conn,
    isServer: boolean,
    tls: OpensslTls,
    options: HandshakeOptions,
    resolve: (outcome: Conn | TlsFailure) => void,
  ) {
    super();
    this.#below = below;
    this.#tls = tls;
    this.#options = options;
    this.#resolve = resolve;
    this.#layer = new OpensslLayer(tls.context, { isServer, ...options, serverName: options.serverName });
  }

  begin(early: Early): void {
    this.#options.deadlines.add(this);
    this.#feed(early.bytes);
    this.#below.attach({
      data: (chunk) => {
        this.#feed(chunk);
        this.#advance();
      },
      drain: () => {},
      end: () => this.#closed(),
      close: (error) => this.#closed(error),
    });
    this.#advance();
  }

  #feed(chunk: Uint8Array): void {
    this.#firstByte ??= chunk[0];
    this.#layer.feed(chunk);
  }

  #advance(): void {
    if (this.#over || this.#signing) return;
    const progress = this.#layer.handshake();
    if (progress !== "sign" && progress !== "turn") Handshake.#next();
    this.#flush();
    if (this.#over) return;
    if (progress === "done") this.#done();
    else if (progress === "sign") void this.#sign(this.#layer.wanted());
    else if (progress === "turn") waiting.push(this);
    else if (progress !== "read") this.#failed(progress);
  }

  #flush(): void {
    const bytes = this.#layer.take();
    if (bytes !== undefined) this.#below.write(bytes);
  }

  async #sign(wanted: SignatureWanted): Promise<void> {
    this.#signing = true;
    let signature: Uint8Array | undefined;
    try {
      signature = await this.#tls.signer.sign(schemeOf(wanted), wanted.message, () => this.#over);
    } catch (error) {
      this.#unsigned = error as Error;
    }
    this.#signing = false;
    if (this.#over) return;
    this.#layer.sign(signature);
    this.#advance();
  }

  #done(): void {
    this.#settle();
    this.#resolve(new OpensslConn(this.#below, this.#layer));
  }

  #failed(progress: Exclude<Progress, string>): void {
    this.#settle();
    this.#layer.free();
    // The alert must come before the reset.
    endWith(this.#below, undefined, () => {});
    const failure =
      this.#unsigned === undefined
        ? opensslFailure(progress, this.#firstByte)
        : new TlsFailure("tls_unavailable", `there is no signature of our key: ${this.#unsigned.message}`);
    this.#resolve(failure);
  }

  #closed(error?: Error): void {
    if (this.#over) return;
    this.#giveUp(
      new TlsFailure("handshake_closed", error?.message ?? "the peer closed the connection during the handshake"),
    );
  }

  override late(): void {
    this.#giveUp(new TlsFailure("handshake_timeout", "the handshake took too long"));
  }

  #giveUp(failure: TlsFailure): void {
    this.#settle();
    this.#layer.free();
    Handshake.#next();
    this.#below.destroy();
    this.#resolve(failure);
  }

  #settle(): void {
    this.#over = true;
    this.#options.deadlines.remove(this);
  }

  /** A stack is free: the next one that still waits for it goes on. */
  static #next(): void {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (next.#over) continue;
      const handshake = next;
      queueMicrotask(() => handshake.#advance());
      return;
    }
  }
}

/** Whether the handshake wants one that we make: `digest` is in the library's words. */
function schemeOf({ digest, padding }: SignatureWanted): Scheme {
  if (digest === "") return { kind: "ed25519" };
  const hash = HASHES[digest.replace("SHA2-", "SHA")];
  if (hash === undefined) throw new Error(`signatures of ${digest} are not made`);
  return { kind: padding === undefined ? "ecdsa" : padding === "pss" ? "rsa-pss" : "rsa-pkcs1", hash };
}

const HASHES: Readonly<Record<string, "sha256" | "sha384" | "sha512">> = {
  SHA256: "sha256",
  SHA384: "sha384",
  SHA512: "sha512",
};

/** A connection whose handshake is done. */
class OpensslConn extends BaseConn implements Conn {
  readonly tls: TlsInfo;
  readonly #below: Conn;
  readonly #layer: OpensslLayer;
  #paused = false;
  #reading = false;
  /** Of the peer: nothing more will come from below, and it was told. */
  #belowEnded = false;
  #ended = false;
  #ending = false;
  #broken: Error | undefined;

  constructor(below: Conn, layer: OpensslLayer) {
    super(NO_PROBES);
    this.#below = below;
    this.#layer = layer;
    this.tls = infoOf(layer);
    below.attach({
      data: (chunk) => {
        if (this.closed) return;
        layer.feed(chunk);
        this.#read();
      },
      drain: () => this.receiver.drain(),
      end: () => {
        this.#belowEnded = true;
        this.#read();
      },
      close: (error) => this.#gone(error),
    });
    // What came with the end of the handshake, once somebody can be there for it.
    queueMicrotask(() => this.#read());
  }

  get remote(): SocketAddress {
    return this.#below.remote;
  }

  get local(): SocketAddress {
    return this.#below.local;
  }

  get buffered(): number {
    return this.#below.buffered;
  }

  override probeAfter(): void {}

  write(bytes: Uint8Array): boolean {
    if (this.closed || this.#ending) return true;
    this.sent += bytes.length;
    if (!this.#layer.write(bytes)) {
      this.#break("the connection cannot be written");
      return true;
    }
    return this.#flush();
  }

  #flush(): boolean {
    const bytes = this.#layer.take();
    return bytes === undefined || this.#below.write(bytes);
  }

  /** Hands out what is there. What a receiver does meanwhile may pause, end or destroy it. */
  #read(): void {
    if (this.#reading) return;
    this.#reading = true;
    while (!this.#paused && !this.closed && !this.#ended) {
      const piece = this.#layer.read();
      if (piece instanceof Uint8Array) {
        this.received += piece.length;
        this.receiver.data(piece);
      } else if (piece === "end" || (piece === undefined && this.#belowEnded)) this.#end();
      else if (piece === undefined) break;
      else this.#break(piece.reason);
    }
    this.#reading = false;
    // Answers to what was read, such as a new key.
    if (!this.closed) this.#flush();
  }

  #end(): void {
    this.#ended = true;
    this.receiver.end();
  }

  #break(reason: string): void {
    // In the words of the runtime's library.
    this.#broken = new Error(`SSL routines:${reason.toUpperCase().replaceAll(" ", "_")}`);
    this.#flush();
    this.#below.destroy();
  }

  pause(): void {
    this.#paused = true;
    this.#below.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#below.resume();
    // A moment later: whoever takes over has something to say first.
    queueMicrotask(() => this.#read());
  }

  end(): void {
    if (this.closed || this.#ending) return;
    this.#ending = true;
    this.#layer.end();
    this.#flush();
    this.#below.end();
  }

  destroy(): void {
    if (!this.closed) this.#below.destroy();
  }

  #gone(error: Error | undefined): void {
    if (this.closed) return;
    // What was not handed out yet belongs to an orderly end.
    if (error === undefined && this.#broken === undefined && this.#belowEnded) {
      this.#paused = false;
      this.#read();
    }
    this.finish(error ?? this.#broken);
    this.#layer.free();
  }
}

function infoOf(layer: OpensslLayer): TlsInfo {
  const { version, resumed, serverName, protocolId, certificate } = layer.info();
  return {
    version,
    resumed,
    ...(serverName === undefined ? {} : { serverName: serverName.toLowerCase() }),
    ...(protocolId === undefined ? {} : { protocolId }),
    ...(certificate === undefined ? {} : { certificate }),
  };
}
