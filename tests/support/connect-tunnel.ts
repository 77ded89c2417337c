/** Tunnels by CONNECT as plain sockets. Asserts nothing. */
import { connect, type Socket } from "node:net";

/** A tunnel by CONNECT, whose other end may still send when we end; paused, where its target speaks first. */
export function openTunnel(proxy: number, target: number, paused = false): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port: proxy, allowHalfOpen: true });
  socket.on("error", () => {});
  socket.write(`CONNECT 127.0.0.1:${target} HTTP/1.1\r\nHost: 127.0.0.1:${target}\r\n\r\n`);
  return new Promise((resolve, reject) => {
    socket.once("close", () => reject(new Error("no tunnel")));
    socket.once("data", (chunk: Buffer) => {
      const text = chunk.toString();
      const [head, ...rest] = text.split("\r\n\r\n");
      if (!head!.startsWith("HTTP/1.1 200")) return reject(new Error(text));
      if (paused) {
        socket.pause();
        socket.unshift(chunk.subarray(head!.length + 4));
      } else if (rest.join("").length > 0) return reject(new Error(text));
      resolve(socket);
    });
  });
}

/** What comes at `to` of a word that is sent. */
export function exchange(from: Socket, word: string, to = from): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const take = (chunk: Buffer) => {
      text += chunk.toString();
      if (text.length < word.length) return;
      to.off("data", take);
      resolve(text);
    };
    to.on("data", take);
    from.once("close", () => reject(new Error(`closed after ${JSON.stringify(text)}`)));
    from.write(word);
  });
}
