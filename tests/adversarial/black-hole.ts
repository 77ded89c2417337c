/** An address of this host that never answers a connection attempt: a listener whose queue is full. */
import { createConnection, type Socket } from "node:net";

const LISTENER = `
socket(my $s, PF_INET, SOCK_STREAM, 0) or die;
bind($s, sockaddr_in(0, inet_aton($ARGV[0]))) or die;
listen($s, 0) or die;
$| = 1;
print +(sockaddr_in(getsockname($s)))[0], "\\n";
<STDIN>;
`;

export interface BlackHole {
  readonly port: number;
  close(): void;
}

/** Connects until the system takes no more: from then on it drops what asks, as a firewall does. */
export async function openBlackHole(ip = "127.0.0.1"): Promise<BlackHole> {
  const child = Bun.spawn(["perl", "-MSocket", "-e", LISTENER, ip], { stdin: "pipe", stdout: "pipe" });
  const { value } = await child.stdout.getReader().read();
  const port = Number(new TextDecoder().decode(value));
  const queued: Socket[] = [];
  for (let taken = true; taken;) {
    const socket = createConnection({ host: ip, port });
    queued.push(socket.on("error", () => {}));
    taken = await Promise.race([
      new Promise<boolean>((resolve) => socket.once("connect", () => resolve(true))),
      Bun.sleep(300).then(() => false),
    ]);
  }
  return {
    port,
    close() {
      for (const socket of queued) socket.destroy();
      child.kill();
    },
  };
}
