/** Stands between the two sides of a tunnel, passes everything on, and counts what their handshakes agreed on. Not for measured runs. */
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { answer, readPlan, type TapPlan, type TapResult } from "./plan.ts";
import { agreementText, readServerHello } from "./server-hello.ts";

const plan = readPlan<TapPlan>();
const result: TapResult = { agreements: {}, full: 0, resumed: 0, other: 0 };

const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  const upstream = connect({ host: "127.0.0.1", port: plan.to, allowHalfOpen: true, noDelay: true });
  read(upstream);
  join(client, upstream);
  join(upstream, client);
});
server.listen(0, "127.0.0.1", () => answer({ port: (server.address() as AddressInfo).port }));
await Bun.stdin.text();
answer(result);
process.exit(0);

function join(from: Socket, to: Socket): void {
  from.pipe(to);
  from.on("error", () => to.destroy());
  from.on("close", () => to.end());
}

function read(upstream: Socket): void {
  let seen = Buffer.alloc(0);
  const look = (bytes: Buffer) => {
    seen = Buffer.concat([seen, bytes]);
    const reading = readServerHello(seen);
    if (reading.kind === "more") return;
    upstream.off("data", look);
    if (reading.kind === "other") {
      result.other++;
      return;
    }
    const { agreement } = reading;
    result[agreement.resumed ? "resumed" : "full"]++;
    const text = agreementText(agreement);
    result.agreements[text] = (result.agreements[text] ?? 0) + 1;
  };
  upstream.on("data", look);
}
