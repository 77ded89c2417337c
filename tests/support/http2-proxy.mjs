/** A CONNECT proxy over HTTP/2 of Node (nghttp2), as a program of its own. Says each session and stream as a line of JSON. */
import { createServer, createSecureServer } from "node:http2";
import { connect } from "node:net";

const { port: ownPort, key, cert, ca, settings = {}, user } = JSON.parse(process.argv[2]);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

function tunnel(stream, headers) {
  say({ stream: stream.id, authority: headers[":authority"] });
  stream.on("error", () => {});
  if (headers[":method"] !== "CONNECT") return stream.respond({ ":status": 405 }, { endStream: true });
  if (user !== undefined && headers["proxy-authorization"] !== `Basic ${btoa(user)}`)
    return stream.respond({ ":status": 407, "proxy-authenticate": 'Basic realm="node"' }, { endStream: true });
  const { hostname, port } = new URL(`tcp://${headers[":authority"]}`);
  if (port === "1") return stream.respond({ ":status": 403 }, { endStream: true });
  const socket = connect({ host: hostname.replace(/^\[(.*)\]$/, "$1"), port: Number(port), allowHalfOpen: true });
  socket.once("connect", () => {
    if (stream.destroyed) return socket.destroy();
    stream.respond({ ":status": 200 });
    socket.pipe(stream).pipe(socket);
  });
  socket.on("error", () => {
    if (stream.headersSent) stream.close(0xa);
    else if (!stream.destroyed) stream.respond({ ":status": 502 }, { endStream: true });
  });
  stream.on("close", () => socket.destroy());
}

const options = { settings, ...(ca !== undefined && { ca, requestCert: true }) };
const server = cert === undefined ? createServer(options) : createSecureServer({ ...options, key, cert });
server.on("session", (session) => {
  say({ session: true });
  session.on("error", () => {});
  session.on("close", () => say({ session: false }));
});
server.on("stream", tunnel);
server.listen(ownPort, "127.0.0.1");
