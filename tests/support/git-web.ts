/** A git repository served over HTTP by git's own http-backend (CGI, RFC 3875). Serves one repository, to anybody. */
import { environment, run } from "./program.ts";
import type { Scene } from "./scene.ts";

/** git without anybody's configuration. */
const GIT_ENV = {
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_TERMINAL_PROMPT: "0",
  // Compressing noise takes most of the time.
  GIT_CONFIG_COUNT: "1",
  GIT_CONFIG_KEY_0: "core.compression",
  GIT_CONFIG_VALUE_0: "0",
  GIT_AUTHOR_NAME: "Test",
  GIT_AUTHOR_EMAIL: "test@e2e.example",
  GIT_COMMITTER_NAME: "Test",
  GIT_COMMITTER_EMAIL: "test@e2e.example",
};

export async function git(cwd: string, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await run(["git", ...args], { cwd, env: GIT_ENV });
  if (status !== 0) throw new Error(`git ${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}

/** Makes `repo.git`, with one commit of `files`, which takes pushes; answers a route for `openWeb`. */
export async function gitRoute(scene: Scene, files: Record<string, Uint8Array>) {
  const root = scene.mkdir("git");
  await git(root, "init", "--quiet", "--bare", "--initial-branch=main", "repo.git");
  await git(root, "-C", "repo.git", "config", "http.receivepack", "true");
  await git(root, "clone", "--quiet", "repo.git", "seed");
  for (const [name, bytes] of Object.entries(files)) scene.write(`git/seed/${name}`, bytes);
  await git(`${root}/seed`, "add", ".");
  await git(`${root}/seed`, "commit", "--quiet", "--message", "First");
  await git(`${root}/seed`, "push", "--quiet", "origin", "HEAD:main");
  return (request: Request, url: URL) => (url.pathname.startsWith("/repo.git/") ? cgi(root, request, url) : undefined);
}

async function cgi(root: string, request: Request, url: URL): Promise<Response> {
  const body = await request.bytes();
  const child = Bun.spawn(["git", "http-backend"], {
    env: environment({
      ...GIT_ENV,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      REQUEST_METHOD: request.method,
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      CONTENT_TYPE: request.headers.get("content-type") ?? "",
      CONTENT_LENGTH: String(body.length),
      HTTP_CONTENT_ENCODING: request.headers.get("content-encoding") ?? "",
      GIT_PROTOCOL: request.headers.get("git-protocol") ?? "",
    }),
    stdin: body,
    stdout: "pipe",
    stderr: "ignore",
  });
  const output = Buffer.from(await child.stdout.bytes());
  const end = output.indexOf("\r\n\r\n");
  const fields = output
    .toString("latin1", 0, end)
    .split("\r\n")
    .map((line) => line.split(/: (.*)/s, 2) as [string, string]);
  const status = fields.find(([name]) => name === "Status")?.[1] ?? "200";
  const headers = fields.filter(([name]) => name !== "Status");
  return new Response(output.subarray(end + 4), { status: Number.parseInt(status), headers });
}
