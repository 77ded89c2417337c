/** What readers of the pages of encrypted objects have: files, keys, and two storages behind TLS: one of WebDAV, one of S3. */
import { goProgram } from "../go-program.ts";
import { VERSITYGW_NEEDS } from "../versitygw.ts";
import type { Page } from "./pages.ts";
import { Reader } from "./reader.ts";
import { identity, nginx, trustWorld } from "./world.ts";

const [KEY, SECRET, REGION] = ["ID", "the secret of ID", "eu-west-3"];

export const s3crypt: Page = {
  needs: [],
  async prepare(scene, portail) {
    const reader = await Reader.open(scene, portail);
    await reader.write("photos/one.jpg", "one");
    return reader;
  },
};

export const s3cryptServe: Page = {
  needs: [...VERSITYGW_NEEDS, "nginx", "python3:awscli"],
  async prepare(scene, portail) {
    const reader = await Reader.open(scene, portail);
    await reader.names({ "swift.example.com": "203.0.113.40", "s3.example.com": "203.0.113.41" });
    await trustWorld(reader);
    await reader.write("photo.jpg", crypto.getRandomValues(new Uint8Array(60_000)));
    await reader.must(["sh", "-ec", "umask 077; portail s3crypt keys init --keyring-file keyring.toml > password"]);
    await reader.write("secret", SECRET, "600");
    await reader.write(
      "~/.aws/credentials",
      `[default]\naws_access_key_id = ${KEY}\naws_secret_access_key = ${SECRET}\n`,
    );
    await reader.write("~/.aws/config", `[default]\nregion = ${REGION}\n`);
    reader.environment["TOKEN"] = "a-token";

    const data = scene.mkdir("s3");
    scene.mkdir("s3/photos");
    const gateway = await goProgram("versitygw", "github.com/versity/versitygw/cmd/versitygw");
    const options = [
      "--port",
      "127.0.0.1:7070",
      "--region",
      REGION,
      "--quiet",
      "posix",
      "--sidecar",
      scene.mkdir("meta"),
      data,
    ];
    await reader.serve([gateway, ...options], { env: { ROOT_ACCESS_KEY: KEY, ROOT_SECRET_KEY: SECRET } });
    const storage = async (name: string, address: string, lines: string) => {
      const [cert, key] = [scene.path(`${name}.pem`), scene.path(`${name}.key`)];
      await identity(reader, [cert, key], { cn: name, san: [`DNS:${name}`] });
      return `server { listen ${address}:443 ssl; ssl_certificate ${cert}; ssl_certificate_key ${key}; ${lines} }`;
    };
    const dav = `root ${scene.mkdir("dav")}; location / { dav_methods PUT; create_full_put_path on; }`;
    const s3 = "location / { proxy_pass http://127.0.0.1:7070; proxy_set_header Host $http_host; }";
    const servers = [
      await storage("swift.example.com", "203.0.113.40", dav),
      await storage("s3.example.com", "203.0.113.41", s3),
    ];
    await nginx(reader, "storages", servers.join("\n"));
    return reader;
  },
};
