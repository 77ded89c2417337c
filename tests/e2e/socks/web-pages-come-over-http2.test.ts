/** `http://` requests over HTTP/2 by Node's client and nghttp2's own tools, to nginx and to Python's web server: forwarded, decided, refused. */
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { allowLocal, type AccessProxy } from "../../support/access-proxy.ts";
import { http2Fetch, type FetchRequest } from "../../support/http2-client.ts";
import { JsonService } from "../../support/json-service.ts";
import { authority, save } from "../../support/pki.ts";
import { run, start } from "../../support/program.ts";
import { freePort } from "../../support/free-port.ts";
import { PYTHON } from "../../support/python-library.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";
import { content, digest } from "../../support/web.ts";

const LARGE = 64 * 2 ** 20;

/** A whole answer: END_STREAM, and no error. */
const WHOLE = { code: 0, error: null };

setDefaultTimeout(60_000);
scenario(
  import.meta.file,
  ["h2load", "htpasswd", "nghttp", "nginx", "node", "openssl", "python3"],
  ({ scene, portail }) => {
    let web: JsonService;
    let proxy: AccessProxy;
    let task: { proxy: string; target: string };
    beforeAll(async () => {
      web = await JsonService.open(scene, {
        files: {
          "/large": content(LARGE),
          "/small": "a page\n",
          "/page.html": "<p><!--# echo var='request_method' --></p>\n",
        },
        server: `
        location /put/ { dav_methods PUT; create_full_put_path on; client_max_body_size 100m; }
        location /narrow/ { dav_methods PUT; client_max_body_size 1k; }
        location /nothing { return 204; }
        location /moved { return 302 /small; }
        location /seen { return 200 "$request_method $request_uri $http_host $http_cookie $http_via $http_te"; }
        location /page.html { ssi on; ssi_types application/json; add_trailer X-Sum 1; }
        location /large { limit_rate 0; }`,
      });
      const policy = [
        `policy old { when host == "old.example" action redirect "http://127.0.0.1:${web.port}/" }`,
        `policy no_writing { when path =~ "^/small" and method == "PUT" action deny }`,
        `policy team { when query == "team" and header.cookie == "a=1; b=2" action deny }`,
        allowLocal(web.port),
      ];
      proxy = await portail.socks({ policy: policy.join("\n"), args: ["--status", "127.0.0.1:0"] });
      task = { proxy: proxy.url("http"), target: `127.0.0.1:${web.port}` };
    });
    const fetched = (...requests: FetchRequest[]) => http2Fetch(task, ...requests);
    const path = (name: string, more: Record<string, string> = {}): FetchRequest => ({
      headers: { ":path": name, ...more },
    });

    describe("what nginx answers", () => {
      test("GET, HEAD, nothing, a redirect, and a page of which nobody knows the length", async () => {
        const [get, head, nothing, moved, page] = await fetched(
          path("/small"),
          path("/small", { ":method": "HEAD" }),
          path("/nothing"),
          path("/moved"),
          path("/page.html", { te: "trailers" }),
        );
        expect(get).toMatchObject({ ...WHOLE, body: "a page\n", answer: { ":status": 200, "content-length": "7" } });
        expect(get!.answer["via"]).toBe("1.1 portail");
        expect(get!.answer["connection"]).toBeUndefined();
        expect(head).toMatchObject({ ...WHOLE, length: 0, answer: { ":status": 200, "content-length": "7" } });
        expect(nothing).toMatchObject({ ...WHOLE, length: 0, answer: { ":status": 204 } });
        expect(moved).toMatchObject({ ...WHOLE, answer: { ":status": 302 } });
        expect(page).toMatchObject({ ...WHOLE, body: "<p>GET</p>\n", answer: { ":status": 200 }, trailers: {} });
        expect(page!.answer["content-length"]).toBeUndefined();
        expect(page!.answer["transfer-encoding"]).toBeUndefined();
      });

      test("it sees the request as it is, with one Cookie", async () => {
        const cookies = { cookie: ["a=1", "b=2"] as unknown as string, te: "trailers" };
        const [seen] = await fetched(path("/seen/../seen?x=%2e", cookies));
        expect(seen!.body).toBe(`GET /seen/../seen?x=%2e 127.0.0.1:${web.port} a=1; b=2 2 portail `);
      });

      test("64 MiB down, and others beside them", async () => {
        const outcomes = await fetched(path("/large"), ...Array.from({ length: 10 }, () => path("/small")));
        expect(outcomes[0]).toMatchObject({ ...WHOLE, length: LARGE, digest: digest(content(LARGE)) });
        for (const one of outcomes.slice(1)) expect(one).toMatchObject({ ...WHOLE, body: "a page\n" });
      });

      test("64 MiB up: with a length, without one, after 100, and before trailers", async () => {
        const put = (name: string): FetchRequest => ({
          headers: { ":method": "PUT", ":path": `/put/${name}` },
          size: LARGE,
        });
        const small = { size: 100_000 };
        const outcomes = await fetched(
          { ...put("sized"), sized: true },
          put("unsized"),
          { ...put("waits"), ...small, sized: true, waits: true },
          { ...put("trailers"), ...small, trailers: { "x-sum": "1" } },
        );
        const stored = (name: string) => digest(readFileSync(web.file(`/put/${name}`)));
        for (const [i, name] of ["sized", "unsized", "waits", "trailers"].entries()) {
          expect(outcomes[i]).toMatchObject({ ...WHOLE, answer: { ":status": 201 } });
          expect(stored(name)).toBe(outcomes[i]!.sent!);
        }
        expect(outcomes[2]!.interim).toEqual([100]);
      });

      test("what is too large is answered before it has come", async () => {
        const [refused] = await fetched({
          headers: { ":method": "PUT", ":path": "/narrow/x" },
          size: LARGE,
          sized: true,
        });
        expect(refused).toMatchObject({ answer: { ":status": 413 } });
        expect(refused!.body).toContain("413 Request Entity Too Large");
      });
    });

    describe("what nghttp2's own programs say", () => {
      test("h2load: 5,000 requests, 100 at a time in one connection", async () => {
        const load = ["h2load", "-n", "5000", "-c", "1", "-m", "100", `--connect-to=127.0.0.1:${proxy.port}`];
        const { stdout } = await run([...load, `http://127.0.0.1:${web.port}/small`]);
        expect(stdout).toContain("5000 total, 5000 started, 5000 done, 5000 succeeded, 0 failed, 0 errored, 0 timeout");
        expect(stdout).toContain("status codes: 5000 2xx, 0 3xx, 0 4xx, 0 5xx");
      });

      test("nghttp: content goes both ways", async () => {
        const body = scene.write("body", content(300_000));
        const send = ["-H", `:authority: 127.0.0.1:${web.port}`, "-H", ":method: PUT", "--data", body];
        const { stdout, stderr } = await run(["nghttp", "-v", ...send, `${proxy.url("http")}/put/nghttp`]);
        expect([/:status: (\d+)/.exec(stdout)?.[1], stderr]).toEqual(["201", ""]);
        expect(digest(readFileSync(web.file("/put/nghttp")))).toBe(digest(content(300_000)));
      });
    });

    test("Python's web server, which speaks HTTP/1.0", async () => {
      const port = freePort();
      scene.write("python/small", "another page\n");
      const serve = ["-m", "http.server", "--bind", "127.0.0.1", "--directory", scene.path("python"), String(port)];
      start(scene, [PYTHON, "-u", ...serve]);
      const own = await portail.socks({ policy: allowLocal(port) });
      const asked = { proxy: own.url("http"), target: `127.0.0.1:${port}` };
      const [small, posted] = await until("Python to answer", async () => {
        const got = await http2Fetch(asked, path("/small"), { headers: { ":method": "POST" }, size: 10 });
        return got[0]!.answer[":status"] === 502 ? undefined : got;
      });
      expect(small).toMatchObject({ ...WHOLE, body: "another page\n", answer: { ":status": 200 } });
      expect(posted).toMatchObject({ answer: { ":status": 501 } });
      expect(posted!.body).toContain("Unsupported method ('POST')");
    });

    describe("what the policy says", () => {
      test("each request is decided by itself, by method, path, query and fields", async () => {
        proxy.forget();
        const outcomes = await fetched(
          path("/small"),
          path("/small", { ":method": "PUT" }),
          path("/seen?team", { cookie: ["a=1", "b=2"] as unknown as string }),
        );
        expect(outcomes.map(({ answer }) => answer[":status"])).toEqual([200, 403, 403]);
        expect(outcomes[1]).toMatchObject({
          ...WHOLE,
          answer: { "proxy-status": "portail; error=http_request_denied" },
        });
        expect(outcomes[1]!.body).toStartWith("403 Forbidden: ");
        const decided = (policy: string) => proxy.record("decision", (line) => line.policy === policy);
        expect(await decided("local")).toMatchObject({ facts: { method: "GET", path: "/small" }, protocol: "http" });
        expect(await decided("no_writing")).toMatchObject({
          decision: "deny",
          facts: { method: "PUT", path: "/small" },
        });
        expect(await decided("team")).toMatchObject({ facts: { query: "team" } });
      });

      test("a browser gets a page, and HEAD no content", async () => {
        const html = { ":method": "PUT", accept: "text/html,*/*;q=0.8" };
        const [page, head] = await fetched(
          path("/small", html),
          path("/", { ":authority": "h.example", ":method": "HEAD" }),
        );
        expect(page).toMatchObject({
          ...WHOLE,
          answer: { ":status": 403, "content-type": "text/html; charset=utf-8" },
        });
        expect(page!.body).toContain("<h1>This address is not open to you</h1>");
        expect(head).toMatchObject({ ...WHOLE, length: 0, answer: { ":status": 403 } });
      });

      test("a redirect is decided again, and the client is told of none", async () => {
        proxy.forget();
        const [answer] = await fetched(path("/seen", { ":authority": `old.example:${web.port}` }));
        expect(answer).toMatchObject({ ...WHOLE, body: `GET /seen old.example:${web.port}  2 portail ` });
        expect(await proxy.decision(`old.example:${web.port}`)).toMatchObject({
          decision: "allow",
          policy: "local",
          redirected: `127.0.0.1:${web.port}`,
        });
      });

      test("what is not served is told: https, TRACE, a method that nobody knows", async () => {
        const statuses = await fetched(
          path("/small", { ":scheme": "https" }),
          path("/small", { ":method": "TRACE" }),
          path("/small", { ":method": "fetch" }),
        );
        expect(statuses.map(({ answer }) => answer[":status"])).toEqual([400, 405, 501]);
        expect(statuses[0]!.body).toContain("a proxy takes http://host/path, or CONNECT host:port for all else");
      });
    });

    test("users prove themselves on each request, inside TLS too", async () => {
      const ca = authority();
      const { cert, key } = save(scene, "proxy", ca.issue({ san: ["DNS:localhost", "IP:127.0.0.1"] }));
      const { stdout: users } = await run(["htpasswd", "-nbB", "-C", "5", "ann", "her password"]);
      const args = ["--users", scene.write("users", users), "--cert", cert, "--key", key];
      const own = await portail.socks({ policy: allowLocal(web.port), args });
      const basic = (text: string) => path("/seen", { "proxy-authorization": `Basic ${btoa(text)}` });
      const [none, wrong, right] = await http2Fetch(
        { ...task, proxy: own.url("https"), ca: ca.cert },
        path("/seen"),
        basic("ann:wrong"),
        basic("ann:her password"),
      );
      expect(none).toMatchObject({
        answer: { ":status": 407, "proxy-authenticate": 'Basic realm="portail", charset="UTF-8"' },
      });
      expect(wrong).toMatchObject({ answer: { ":status": 407 } });
      expect(right).toMatchObject({ ...WHOLE, answer: { ":status": 200 } });
      expect(await own.record("decision")).toMatchObject({ user: "ann", tls: { protocolId: "h2" } });
    });

    test("through another proxy", async () => {
      const config = `default-backend = "next"\n[backend.next]\ntarget = "${proxy.url("http")}"\n`;
      const own = await portail.socks({
        policy: `policy all { when dest.ip in [127.0.0.0/8] action allow }`,
        args: ["--config", scene.write("chain.toml", config)],
      });
      const [answer] = await http2Fetch({ ...task, proxy: own.url("http") }, path("/small"));
      expect(answer).toMatchObject({ ...WHOLE, body: "a page\n" });
      expect(await own.record("close")).toMatchObject({ backend: "next", reason: "done" });
    });

    test("a server that refuses the connection, and one that says nothing of HTTP", async () => {
      const mute = Bun.listen({
        hostname: "127.0.0.1",
        port: 0,
        socket: { open: (socket) => void socket.end("what?\n"), data() {} },
      });
      scene.defer(() => mute.stop(true));
      const own = await portail.socks({ policy: allowLocal(1, mute.port) });
      const to = (port: number) => path("/", { ":authority": `127.0.0.1:${port}` });
      const outcomes = await http2Fetch({ ...task, proxy: own.url("http") }, to(1), to(mute.port));
      for (const [i, error] of ["connection_refused", "proxy_internal_error"].entries()) {
        expect(outcomes[i]).toMatchObject({
          ...WHOLE,
          answer: { ":status": 502, "proxy-status": `portail; error=${error}` },
        });
      }
    });

    test("metrics and records agree", async () => {
      const own = await portail.socks({ policy: allowLocal(web.port), args: ["--status", "127.0.0.1:0"] });
      const requests = Array.from({ length: 20 }, (_, i) => path(i % 4 === 0 ? "/small" : "/nothing"));
      const denied = path("/", { ":authority": "h.example" });
      await http2Fetch({ ...task, proxy: own.url("http") }, ...requests, denied);
      const lines = () => own.audit().filter(({ event }) => event === "close");
      await own.record("close", () => lines().length === 20);
      expect(lines()).toEqual(Array(20).fill(expect.objectContaining({ reason: "done" })));
      const page = await own.metrics();
      for (const line of [
        "portail_http2_streams_total 21",
        "portail_http2_streams_open 0",
        "portail_tunnels_open 0",
        'portail_decisions_total{outcome="allow"} 20',
        'portail_decisions_total{outcome="deny"} 1',
        'portail_ends_total{reason="done"} 20',
      ]) {
        expect(page.split("\n")).toContain(line);
      }
    });
  },
);
