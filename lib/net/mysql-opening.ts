/** A MySQL client in the clear and its server over TLS, from the greeting to the end of the authentication: drives lib/session/mysql-starttls.ts. Opens nothing. */
import { MysqlClient, MysqlGreeting, Renumbering, type MysqlResponse } from "../session/mysql-starttls.ts";
import type { Conn, ConnEvents, Early } from "./conn.ts";
import { type Deadlines, Due } from "./deadlines.ts";
import { runPreface } from "./preface.ts";
import { ReceiveBuffer } from "./receive-buffer.ts";
import type { StartedTls } from "./upstream.ts";

export type Authenticated =
  | { ok: true; early: { fromClient: Early; fromServer: Early } }
  | { ok: false; code: "mysql_malformed" | "starttls_timeout" | "client_gone" | "server_gone"; reason: string };

const NOTHING: Early = { bytes: new Uint8Array(0), ended: false };

export class MysqlOpening {
  readonly #client: Conn;
  readonly #deadlines: Deadlines;
  #response: MysqlResponse | undefined;
  /** What the client said behind its response. */
  #early: Early = NOTHING;

  /** Nothing may have been read of `client`. */
  constructor(client: Conn, deadlines: Deadlines) {
    this.#client = client;
    this.#deadlines = deadlines;
  }

  /** Passes the greeting on and takes the response, of which the server sees only what asks it for TLS. */
  async startTls(server: Conn, early: Early): Promise<StartedTls> {
    const greeting = await runPreface(server, new MysqlGreeting(), this.#deadlines, early);
    if (!greeting.ok) return this.#failed(server, greeting);
    const answer = await runPreface(this.#client, new MysqlClient(greeting.value), this.#deadlines);
    if (!answer.ok) return this.#failed(server, answer);
    this.#response = answer.value;
    this.#early = answer.early;
    server.write(answer.value.sslRequest);
    return { ok: true, early: greeting.early };
  }

  #failed(server: Conn, { code, reason }: { code: string; reason: string }): StartedTls {
    server.destroy();
    const known = code === "timeout" ? "starttls_timeout" : code === "closed" ? "handshake_closed" : code;
    return { ok: false, code: known, reason };
  }

  /** Lets the two authenticate over TLS with `server`, which is known to be who it should be. Closes neither. */
  authenticate(server: Conn): Promise<Authenticated> {
    return new Promise((resolve) =>
      new Authentication(this.#client, server, this.#deadlines, resolve).begin(this.#response!.secured, this.#early),
    );
  }
}

class Authentication extends Due {
  readonly #client: Conn;
  readonly #server: Conn;
  readonly #deadlines: Deadlines;
  readonly #resolve: (outcome: Authenticated) => void;
  readonly #fromClient = new Renumbering("client");
  readonly #fromServer = new Renumbering("server");
  #over = false;

  constructor(client: Conn, server: Conn, deadlines: Deadlines, resolve: (outcome: Authenticated) => void) {
    super();
    this.#client = client;
    this.#server = server;
    this.#deadlines = deadlines;
    this.#resolve = resolve;
  }

  begin(response: Uint8Array, early: Early): void {
    this.#deadlines.add(this);
    this.#server.write(response);
    const client = this.#side(this.#fromClient, this.#server, "client_gone");
    if (early.bytes.length > 0) client.data(early.bytes);
    if (early.ended) client.end();
    if (!this.#over) this.#client.attach(client);
    if (!this.#over) this.#server.attach(this.#side(this.#fromServer, this.#client, "server_gone"));
  }

  #side(from: Renumbering, to: Conn, gone: "client_gone" | "server_gone"): ConnEvents {
    return {
      data: (chunk) => this.#take(from, chunk, to),
      drain() {},
      end: () => this.#fail(gone, "the connection ended during the authentication"),
      close: () => this.#fail(gone, "the connection broke off during the authentication"),
    };
  }

  #take(from: Renumbering, chunk: Uint8Array, to: Conn): void {
    if (this.#over) return;
    const step = from.receive(chunk);
    if (step.type === "bad") {
      this.#fail("mysql_malformed", step.reason);
      return;
    }
    if (step.bytes.length > 0) to.write(step.bytes);
    if (!step.over) return;
    const fromClient = { bytes: this.#fromClient.held, ended: false };
    this.#finish({ ok: true, early: { fromClient, fromServer: NOTHING } });
  }

  override late(): void {
    this.#fail("starttls_timeout", "the authentication took too long");
  }

  #fail(code: Extract<Authenticated, { ok: false }>["code"], reason: string): void {
    this.#finish({ ok: false, code, reason });
  }

  #finish(outcome: Authenticated): void {
    if (this.#over) return;
    this.#over = true;
    this.#deadlines.remove(this);
    for (const conn of [this.#client, this.#server]) if (!conn.closed) conn.attach(new ReceiveBuffer(conn));
    this.#resolve(outcome);
  }
}
