/** `npx portail` with a registry that has the packages: npm takes what fits the machine, and the launcher is as good as the program. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { createHash } from "node:crypto";
import { needing } from "../../support/needs.ts";
import { MAKING, packages, TARGET } from "../../support/packages.ts";
import { run, start } from "../../support/program.ts";
import { Scene } from "../../support/scene.ts";

interface Manifest {
  name: string;
  version: string;
  os?: string[];
  optionalDependencies?: Record<string, string>;
}

needing(basename(import.meta.file, ".test.ts").replaceAll("-", " "), ["npm", "tar"], () => {
  setDefaultTimeout(MAKING);
  const scene = new Scene();
  afterAll(() => scene.close());
  const asked: string[] = [];
  const program = ["npx", "--no-install", "portail"];
  let env: Record<string, string> = {};

  beforeAll(async () => {
    const registry = await openRegistry(scene, await packages(), asked);
    const folder = scene.mkdir("project");
    scene.write("project/package.json", "{}");
    env = { HOME: scene.folder, npm_config_registry: registry, npm_config_update_notifier: "false" };
    const { status, stdout, stderr } = await run(["npm", "install", "--no-audit", "--no-fund", "portail"], {
      cwd: folder,
      env,
      patience: MAKING,
    });
    if (status !== 0) throw new Error(`${stdout}${stderr}`);
  });

  test("the package of this machine is there, and no other", () => {
    const installed = readdirSync(scene.path("project/node_modules")).filter((name) => name.startsWith("portail"));
    expect(installed.toSorted()).toEqual(["portail", `portail-${TARGET}`]);
    expect(asked).toContain("portail-windows-x64");
  });

  test("output, input and exit status are the program's", async () => {
    const cwd = scene.path("project");
    const version = await run([...program, "--version"], { cwd, env });
    expect(version).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^portail \d+\.\d+\.\d+\n$/),
      stderr: "",
    });
    expect((await run([...program, "--versoin"], { cwd, env })).status).toBe(64);
  });

  test("a signal to the launcher stops the program", async () => {
    const launcher = [scene.path("project/node_modules/.bin/portail")];
    const daemon = start(scene, [...launcher, "socks", "--listen", "127.0.0.1:0", "--acl", "builtin:sample"], {});
    await daemon.output("stderr", /listening on 127\.0\.0\.1:\d+/);
    daemon.signal("SIGTERM");
    expect(await daemon.ended).toBe(0);
  });
});

/** Serves the made packages; those of other machines are named without a file. Its address. */
async function openRegistry(scene: Scene, folder: string, asked: string[]): Promise<string> {
  const files = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  const packed = await Promise.all(
    files.map(async (file) => ({ file, manifest: await manifestOf(join(folder, file)) })),
  );
  const server: Bun.Server<undefined> = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request): Promise<Response> {
      const name = new URL(request.url).pathname.slice(1);
      const own = packed.find(({ file, manifest }) => name === file || name === manifest.name);
      if (name === own?.file) return new Response(Bun.file(join(folder, name)));
      asked.push(name);
      if (own === undefined)
        return Response.json(packument({ name, version: packed[0]!.manifest.version, os: ["none"] }));
      const bytes = await Bun.file(join(folder, own.file)).bytes();
      const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
      return Response.json(packument(own.manifest, { tarball: `${server.url}${own.file}`, integrity }));
    },
  });
  scene.defer(() => server.stop(true));
  return String(server.url);
}

function packument(manifest: Manifest, dist = { tarball: "http://127.0.0.1:1/none.tgz", integrity: "sha512-none" }) {
  const { name, version } = manifest;
  return { name, "dist-tags": { latest: version }, versions: { [version]: { ...manifest, dist } } };
}

async function manifestOf(file: string): Promise<Manifest> {
  const { stdout } = await run(["tar", "-xzOf", file, "package/package.json"]);
  return JSON.parse(stdout) as Manifest;
}
