/** The servers on the machine of a reader, at the ports that everybody expects: databases, sshd, Redis, an API server. Asserts nothing. */
import { appendFileSync } from "node:fs";
import { startMariaDb } from "../mariadb.ts";
import { openPostgres, type PostgresTls } from "../postgres.ts";
import { until } from "../until.ts";
import type { Reader } from "./reader.ts";
import { nginx } from "./world.ts";

/** PostgreSQL with the database `shop`, and with superusers `root`, `me` and `alice` whom it asks for nothing. */
export async function database(reader: Reader, address = "127.0.0.1", tls?: PostgresTls): Promise<void> {
  const { psql, socket } = await openPostgres(reader.scene, tls, { port: 5432, prefix: reader.prefix, address });
  appendFileSync(`${socket}/data/pg_hba.conf`, "host all all all trust\n");
  const reloaded = await psql(`host=${socket} port=5432`, "-c", "select pg_reload_conf()");
  if (reloaded.status !== 0) throw new Error(reloaded.stderr);
  await until("PostgreSQL to let everybody in", async () => (await psql(`host=${address}`)).status === 0);
  const users = ["root", "me", "alice"].map((name) => `create role ${name} superuser login;`);
  const made = await psql(`host=${address}`, "-c", users.join(" "), "-c", "create database shop");
  if (made.status !== 0) throw new Error(made.stderr);
}

/** MariaDB with the database `shop`, and who the reader is there in the reader's own settings. */
export async function mariadb(reader: Reader, address = "127.0.0.1"): Promise<void> {
  const place = { port: 3306, prefix: reader.prefix, address };
  await startMariaDb(reader.scene, place, { more: "CREATE DATABASE shop;" });
  await reader.write("~/.my.cnf", "[client]\nuser = app\npassword = secret\n", "600");
}

export async function redis(reader: Reader): Promise<void> {
  await reader.serve(["redis-server", "--bind", "127.0.0.1", "--port", "6379", "--save", ""]);
}

/** sshd at port 22 of 127.0.0.1, which lets `root` and `me` in by the reader's key; the reader knows it by whatever name. */
export async function sshd(reader: Reader): Promise<void> {
  await reader.write("/etc/ssh/sshd_config", SSHD, "600");
  const script = `
    rm -f /etc/ssh/ssh_host_*
    ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
    ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519
    echo "* $(cat /etc/ssh/ssh_host_ed25519_key.pub)" > ~/.ssh/known_hosts
    cp ~/.ssh/id_ed25519.pub /etc/ssh/authorized_keys
    mkdir -p /run/sshd
    echo 'me:x:2001:2001::/:/bin/sh' >> /etc/passwd
    echo 'me:*:19000::::::' >> /etc/shadow
  `;
  await reader.must(["sh", "-ec", script]);
  await reader.serve([await which(reader, "sshd"), "-D", "-e"]);
}

const SSHD = `ListenAddress 127.0.0.1
Port 22
HostKey /etc/ssh/ssh_host_ed25519_key
AuthorizedKeysFile /etc/ssh/authorized_keys
AuthenticationMethods publickey
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
PidFile none
UseDNS no
Subsystem sftp internal-sftp
`;

/** An API server of Kubernetes, as far as `kubectl get pods` asks one, in an empty namespace. `listen` is nginx's, with TLS or without. */
export async function kubernetes(reader: Reader, listen: string): Promise<void> {
  const answers = Object.entries(KUBERNETES).map(
    ([path, body]) => `location = ${path} { default_type application/json; return 200 '${JSON.stringify(body)}'; }`,
  );
  await nginx(reader, "kubernetes", `server { ${listen} ${answers.join("\n")} }`);
  await reader.write("~/.kube/config", KUBECONFIG, "600");
}

/** Who the reader is there. */
const KUBECONFIG = `apiVersion: v1
kind: Config
current-context: mine
contexts: [{ name: mine, context: { user: me } }]
users: [{ name: me, user: { token: a-token } }]
`;

const KUBERNETES = {
  "/api": { kind: "APIVersions", versions: ["v1"] },
  "/apis": { kind: "APIGroupList", apiVersion: "v1", groups: [] },
  "/api/v1": {
    kind: "APIResourceList",
    groupVersion: "v1",
    resources: [{ name: "pods", singularName: "pod", namespaced: true, kind: "Pod", verbs: ["get", "list"] }],
  },
  "/api/v1/namespaces/default/pods": { kind: "PodList", apiVersion: "v1", metadata: {}, items: [] },
};

/** sshd starts itself anew by its absolute path. */
async function which(reader: Reader, program: string): Promise<string> {
  return (await reader.must(["sh", "-c", `command -v ${program}`])).trim();
}
