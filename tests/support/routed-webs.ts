/** nginx behind a multiplexer: in the clear with a PROXY header, over TLS of its own, and as what kubectl takes for Kubernetes. Asserts nothing. */
import { freePort } from "./free-port.ts";
import { Nginx } from "./nginx.ts";
import type { Scene } from "./scene.ts";

interface Files {
  cert: string;
  key: string;
  /** The authority of kubectl's certificate. */
  cacert: string;
}

/** What nginx says of itself as Kubernetes; the client's certificate stands in `platform`. */
const VERSION = '{"major":"1","minor":"28","gitVersion":"v1.28.0","platform":"$ssl_client_s_dn"}';

export class RoutedWebs extends Nginx {
  /** With TLS, HTTP/1 and HTTP/2. */
  readonly tlsPort: number;
  /** With TLS, for clients with a certificate. */
  readonly kubePort: number;

  /** The port without TLS is `port`, and wants a PROXY header. */
  constructor(scene: Scene, { cert, key, cacert }: Files) {
    const [tlsPort, kubePort] = [freePort(), freePort()];
    const identity = `ssl_certificate ${cert}; ssl_certificate_key ${key};`;
    super(scene, {
      listen: "proxy_protocol",
      http: `
  access_log off;
  log_format proxied '$proxy_protocol_addr:$proxy_protocol_port $request';
  server {
    listen 127.0.0.1:${tlsPort} ssl http2;
    ${identity}
    return 200 "passed $server_protocol $ssl_server_name\\n";
  }
  server {
    listen 127.0.0.1:${kubePort} ssl http2;
    ${identity}
    ssl_client_certificate ${cacert}; ssl_verify_client on;
    default_type application/json;
    location = /version { return 200 '${VERSION}'; }
  }`,
      server: `access_log proxied.log proxied; return 200 "hello\\n";`,
    });
    this.tlsPort = tlsPort;
    this.kubePort = kubePort;
  }

  /** Whom the PROXY headers named, and what they asked for: `IP:PORT METHOD PATH VERSION`. */
  get proxied(): string[] {
    return this.lines("proxied.log");
  }
}
