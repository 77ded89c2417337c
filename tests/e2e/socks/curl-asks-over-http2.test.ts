/** What `curl --proxy-http2` does, by its library in a version that can (Debian's cannot): tunnels and `http://` requests over HTTP/2 inside mTLS. */
import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { AccessProxy } from "../../support/access-proxy.ts";
import { authority, save } from "../../support/pki.ts";
import { run } from "../../support/program.ts";
import { PYTHON, pythonLibrary } from "../../support/python-library.ts";
import { scenario } from "../../support/scenario.ts";
import { content, digest, openWeb, type Web } from "../../support/web.ts";

/** 3 is CURLPROXY_HTTPS2: a proxy that is spoken to over HTTP/2 where it can. */
const PROGRAM = `
import hashlib, sys
from curl_cffi import Curl, CurlOpt, CurlInfo
proxy, url, ca, cert, key, upload = (text.encode() for text in sys.argv[1:7])
curl, body, seen = Curl(cacert=ca.decode()), hashlib.sha256(), []
for option, value in [
    (CurlOpt.URL, url), (CurlOpt.PROXY, proxy), (CurlOpt.PROXYTYPE, 3), (CurlOpt.HTTPPROXYTUNNEL, int(sys.argv[7])),
    (CurlOpt.CAINFO, ca), (CurlOpt.PROXY_CAINFO, ca), (CurlOpt.PROXY_SSLCERT, cert), (CurlOpt.PROXY_SSLKEY, key),
    (CurlOpt.WRITEFUNCTION, lambda data: (body.update(data), len(data))[1]), (CurlOpt.TIMEOUT_MS, 20000),
]:
    curl.setopt(option, value)
if upload:
    data = open(upload, "rb").read()
    curl.setopt(CurlOpt.POSTFIELDSIZE, len(data))
    curl.setopt(CurlOpt.POSTFIELDS, data)
try:
    curl.perform()
except Exception as error:
    print(error, file=sys.stderr)
print(curl.getinfo(CurlInfo.RESPONSE_CODE), body.hexdigest())
`;
const SIZE = 8 * 1024 * 1024;

setDefaultTimeout(60_000);
scenario(import.meta.file, ["openssl", "python3:pip"], ({ scene, portail }) => {
  const ca = authority("Proxies over HTTP/2");
  const trust = scene.write("ca.pem", ca.cert);
  const proxyOwn = save(scene, "proxy", ca.issue());
  const ann = save(scene, "ann", ca.issue({ cn: "ann" }));
  const bob = save(scene, "bob", ca.issue({ cn: "bob" }));
  let web: Web;
  let proxy: AccessProxy;
  let library: string;
  beforeAll(async () => {
    library = await pythonLibrary("curl_cffi", "0.17.0");
    web = openWeb(scene);
    const policy = `policy ann { when proxy.version == "2" and client.cn == "ann" and dest.ip in [127.0.0.0/8] and port == ${web.port} action allow }`;
    proxy = await portail.socks({ policy, args: ["--cert", proxyOwn.cert, "--key", proxyOwn.key, "--cacert", trust] });
  }, 360_000);

  const get = ({ cert, key }: typeof ann, { path = `/bytes/${SIZE}`, upload = "", tunnel = true } = {}) => {
    const url = `http://127.0.0.1:${web.port}${path}`;
    const args = [`https://localhost:${proxy.port}`, url, trust, cert, key, upload, tunnel ? "1" : "0"];
    return run([PYTHON, "-c", PROGRAM, ...args], { env: { PYTHONPATH: library } });
  };

  test("a tunnel is opened, and what comes through it is whole", async () => {
    const { stdout, stderr } = await get(ann);
    expect([stdout.trim(), stderr]).toEqual([`200 ${digest(content(SIZE))}`, ""]);
    expect(await proxy.record("decision")).toMatchObject({
      session: expect.stringMatching(/\/1$/),
      tls: { protocolId: "h2" },
      facts: { "proxy.version": "2", "client.cn": "ann" },
    });
  });

  test("a denial opens none", async () => {
    proxy.forget();
    const { stdout, stderr } = await get(bob);
    expect(stdout).toStartWith("0 ");
    expect(stderr).toContain("curl: (7)");
    expect(await proxy.record("decision")).toMatchObject({ decision: "deny", facts: { "client.cn": "bob" } });
  });

  test("without a tunnel: an answer, and content that is sent", async () => {
    proxy.forget();
    const { stdout, stderr } = await get(ann, { tunnel: false });
    expect([stdout.trim(), stderr]).toEqual([`200 ${digest(content(SIZE))}`, ""]);
    const upload = scene.write("upload", content(SIZE));
    const posted = await get(ann, { tunnel: false, path: "/digest", upload });
    expect([posted.stdout.trim(), posted.stderr]).toEqual([`200 ${digest(Buffer.from(digest(content(SIZE))))}`, ""]);
    expect(await proxy.record("decision")).toMatchObject({
      tls: { protocolId: "h2" },
      facts: { "proxy.version": "2" },
    });
    expect(web.requests.at(-1)!.headers.get("via")).toBe("2 portail");
  });

  test("a denial without a tunnel is an answer", async () => {
    const { stdout, stderr } = await get(bob, { tunnel: false });
    expect([stdout.slice(0, 4), stderr]).toEqual(["403 ", ""]);
  });
});
