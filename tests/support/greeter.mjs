/** A server that speaks first and sends back what it gets, and clients of it: `greeter.mjs serve NAME ADDRESS PORT`, `greeter.mjs ask ADDRESS PORT COUNT [patiently|silently]`. */
import { createConnection, createServer } from "node:net";

const [role, ...args] = process.argv.slice(2);
const PARALLEL = 16;

if (role === "serve") {
  const [name, host, port] = args;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => socket.destroy()).write(`${name}\n`);
    socket.pipe(socket);
  });
  server.listen(Number(port), host, () => console.log("ready"));
} else {
  const [host, port, count, how] = args;
  let left = Number(count);
  const said = {};
  const note = (what) => (said[what] = (said[what] ?? 0) + 1);
  await Promise.all(
    Array.from({ length: PARALLEL }, async () => {
      while (left-- > 0) note(await ask(host, Number(port), `word ${left}\n`, how));
    }),
  );
  console.log(JSON.stringify(said));
}

/** What the server said, less what it was told: its name, where all is well. Our end comes before the answer's, unless that is waited for; and silently nothing is said before the server has. */
function ask(host, port, word, how) {
  return new Promise((resolve) => {
    let text = "";
    createConnection({ host, port, allowHalfOpen: true }, function () {
      if (how === undefined) this.end(word);
      else if (how === "patiently") this.write(word);
    })
      .on("data", function (bytes) {
        text += bytes;
        if (how === "silently" && text.endsWith("\n") && !text.includes("word")) this.write(word);
        if (how !== undefined && text.endsWith(word)) this.end();
      })
      .on("end", () => resolve(text.endsWith(word) ? text.slice(0, -word.length - 1) : `lost: ${text}`))
      // The runtime also calls refused what was reset before it had told of the connection.
      .on("error", ({ code }) => resolve(code === "ECONNREFUSED" ? "ECONNRESET" : code));
  });
}
