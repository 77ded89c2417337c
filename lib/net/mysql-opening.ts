/** A MySQL client in the clear and its server over TLS, from the greeting to the end of the authentication: drives lib/session/mysql-starttls.ts. Opens nothing. */
import {
  MysqlAuthentication,
  MysqlClient,
  MysqlGreeting,
  type AuthStep,
  type MysqlResponse,
} from "../session/mysql-starttls.ts";
import type { Conn, ConnEvents, Early } from "./conn.ts";
import { type Deadlines, Due } from "./deadlines.ts";
import { passwordKey } from "./password-key.ts";
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
  #authentication: MysqlAuthentication | undefined;
  /** What the client said behind its response. */
  #early: Early = NOTHING;

  /** Nothing may have been read of `client`. */
  constructor(client: Conn, deadlines: Deadlines) {
    this.#client = client;
    this.#deadlines = deadlines;
  }

  /** Passes the greeting on and takes the response, of which the server sees only what asks it for TLS. */
  async startTls(server: Conn, early: Early): Promise<StartedTls> {
    // It may take longer than all else that is waited for.
    const key = passwordKey();
    const greeting = await runPreface(server, new MysqlGreeting(), this.#deadlines, early);
    if (!greeting.ok) return this.#failed(server, greeting);
    const { bytes, scramble } = greeting.value;
    const answer = await runPreface(this.#client, new MysqlClient(bytes), this.#deadlines);
    if (!answer.ok) return this.#failed(server, answer);
    this.#authentication = new MysqlAuthentication(scramble, await key);
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
    return new Promise((resolve) => {
      const sides = { client: this.#client, server };
      const authentication = new Authentication(sides, this.#authentication!, this.#deadlines, resolve);
      authentication.begin(this.#response!.secured, this.#early);
    });
  }
}

class Authentication extends Due {
  readonly #client: Conn;
  readonly #server: Conn;
  readonly #session: MysqlAuthentication;
  readonly #deadlines: Deadlines;
  readonly #resolve: (outcome: Authenticated) => void;
  #over = false;

  constructor(
    { client, server }: { client: Conn; server: Conn },
    session: MysqlAuthentication,
    deadlines: Deadlines,
    resolve: (outcome: Authenticated) => void,
  ) {
    super();
    this.#client = client;
    this.#server = server;
    this.#session = session;
    this.#deadlines = deadlines;
    this.#resolve = resolve;
  }

  begin(response: Uint8Array, early: Early): void {
    this.#deadlines.add(this);
    this.#server.write(response);
    const client = this.#side("client_gone", (chunk) => this.#session.clientSaid(chunk));
    if (early.bytes.length > 0) client.data(early.bytes);
    if (early.ended) client.end();
    if (!this.#over) this.#client.attach(client);
    if (!this.#over) this.#server.attach(this.#side("server_gone", (chunk) => this.#session.serverSaid(chunk)));
  }

  #side(gone: "client_gone" | "server_gone", say: (chunk: Uint8Array) => AuthStep): ConnEvents {
    return {
      data: (chunk) => {
        if (!this.#over) this.#take(say(chunk));
      },
      drain() {},
      end: () => this.#fail(gone, "the connection ended during the authentication"),
      close: () => this.#fail(gone, "the connection broke off during the authentication"),
    };
  }

  #take(step: AuthStep): void {
    if (step.type === "bad") {
      this.#fail("mysql_malformed", step.reason);
      return;
    }
    if (step.toServer.length > 0) this.#server.write(step.toServer);
    if (step.toClient.length > 0) this.#client.write(step.toClient);
    if (!step.over) return;
    const fromClient = { bytes: this.#session.held, ended: false };
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
