/** `npm start` in a checkout: the lines that it prints, run as they stand, in a network where their ports are free. */
import { beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { ROOT } from "../support/portail.ts";
import { PATH, run, start, type Program } from "../support/program.ts";
import { scenario } from "../support/scenario.ts";
import { until } from "../support/until.ts";

/** A network of its own, with nothing but loopback; and whatever is left in it ends with its first process. */
const UNSHARE = ["unshare", "--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child"];
const canUnshare = Bun.spawnSync([...UNSHARE, "true"], { env: { PATH } }).exitCode === 0;
const NEEDS = ["npm", "python3", "curl", "ip", "unshare", "nsenter", ...(canUnshare ? [] : ["a network namespace"])];

const tell: Parameters<typeof scenario>[2] = ({ scene }) => {
  let npm: Program;
  let enter: string[];
  let lines: string[];
  beforeAll(async () => {
    const script = ["sh", "-c", "ip link set lo up && exec npm start"];
    npm = start(scene, [...UNSHARE, ...script], { cwd: ROOT, env: { HOME: scene.mkdir("home") } });
    await npm.output("stderr", /listening on 127\.0\.0\.1:1080/);
    const [first] = readFileSync(`/proc/${npm.pid}/task/${npm.pid}/children`, "utf8").split(" ");
    enter = ["nsenter", `--target=${first}`, "--user", "--preserve-credentials", "--net", "sh", "-c"];
    lines = npm.stderr.split("\n").map((line) => line.trim());
  });

  test("its curl line fetches from the web server of the line before it", async () => {
    const served = scene.mkdir("served");
    scene.write("served/hello", "hello from the web\n");
    const server = lines.find((line) => line.startsWith("python3 -m http.server"))!.replace(/ &$/, "");
    start(scene, [...enter, `exec ${server}`], { cwd: served });
    const client = lines.find((line) => line.startsWith("curl") && line.includes("localhost"))!;
    const page = await until("the page", async () => {
      const { status, stdout } = await run([...enter, `exec ${client}hello`]);
      return status === 0 && stdout;
    });
    expect(page).toBe("hello from the web\n");
    expect((await run([...enter, `exec ${client}`])).stdout).toContain('<a href="hello">');
  });

  test("the sample policy shuts out what it names", async () => {
    const { status } = await run([
      ...enter,
      "exec curl -q -sS --proxy socks5h://127.0.0.1:1080 http://blocked.example/",
    ]);
    expect(status).toBe(97);
  });

  test("it ends on SIGTERM with status 0", async () => {
    process.kill(Number(/=(\d+)/.exec(enter[1]!)![1]), "SIGTERM");
    expect(await npm.ended).toBe(0);
    expect(npm.stderr).toContain("SIGTERM: draining");
  });
};

scenario(import.meta.file, NEEDS, tell, ["source"]);
