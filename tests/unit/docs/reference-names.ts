/** Flags, variables and keys that the programs have which docs/from is about: what their pages must not leave out. Facts, no code. */

/** By page, without `.md`. Separated by white space. */
export const REFERENCE_NAMES: Readonly<Record<string, string>> = {
  ghostunnel: `
    --keystore --cert --key --storepass --cacert --use-workload-api --use-workload-api-addr --use-workload-api-timeout
    --cipher-suites --allow-unsafe-cipher-suites --max-tls-version --timed-reload --shutdown-timeout --connect-timeout
    --close-timeout --max-conn-lifetime --max-concurrent-conns --metrics-graphite --metrics-url --metrics-prefix
    --metrics-interval --status --enable-pprof --enable-shutdown --quiet --skip-resolve --syslog --eventlog
    --disable-landlock --use-landlock --pkcs11-module --pkcs11-token-label --pkcs11-pin --keychain-identity
    --keychain-issuer --keychain-require-token --help --version --help-custom-man
    --listen --target --unsafe-target --target-status --proxy-protocol --proxy-protocol-mode --allow-all --allow-cn
    --allow-ou --allow-dns --allow-uri --allow-ip --allow-dns-san --allow-ip-san --allow-uri-san --allow-spki-pin
    --allow-policy --allow-query --disable-authentication --auto-acme-cert --auto-acme-email --auto-acme-agree-to-tos
    --auto-acme-ca --auto-acme-testca --auto-acme-renew-check-interval --auto-acme-alt-tls-alpn-port
    --unsafe-listen --override-server-name --proxy --connect-proxy --verify-cn --verify-ou --verify-dns --verify-uri
    --verify-ip --verify-dns-san --verify-ip-san --verify-uri-san --verify-spki-pin --verify-policy --verify-query
    KEYSTORE_PATH CERT_PATH KEY_PATH KEYSTORE_PASS CACERT_PATH SPIFFE_ENDPOINT_SOCKET PKCS11_MODULE PKCS11_TOKEN_LABEL
    PKCS11_PIN`,
  ds_proxy: `
    encrypt decrypt proxy init-keyring add-key rotate-password --help --version
    --password-file --keyring-file --address --upstream-url --connect-url --local-encryption-directory
    --backend-connection-timeout --write-once --bypass-ssl-certificate-check --s3-access-key --s3-secret-key --s3-region
    --bypass-s3-signature-check --redis-url --redis-timeout-wait --redis-timeout-create --redis-timeout-recycle
    --redis-pool-max-size --salt --aws-access-key --aws-secret-key --aws-region --chunk-size
    DS_PASSWORD DS_KEYRING DS_ADDRESS DS_UPSTREAM_URL DS_CONNECT_URL DS_LOCAL_ENCRYPTION_DIRECTORY
    BACKEND_CONNECTION_TIMEOUT WRITE_ONCE BYPASS_SSL_CERTIFICATE_CHECK BYPASS_S3_SIGNATURE_CHECK REDIS_URL
    REDIS_TIMEOUT_WAIT REDIS_TIMEOUT_CREATE REDIS_TIMEOUT_RECYCLE REDIS_POOL_MAX_SIZE RUST_LOG DS_PROXY_SENTRY_URL DS_SALT`,
  "tls-tproxy": `--cacert --cert --key --logLevel --portMap --certCheckerPlugin`,
  "cloud-gouv-portail": `
    daemon --config -c --bind-proxy-address --bind-rpc-socket --log-preset
    rpc --rpc-socket --json print-current-backend set-default-backend unset-default-backend list-backends
    update-dynamic-backend --target-address check-acl-syntax RUST_LOG
    filter-acl-rules-path explain-acl-rules-path public-address handshake-timeout connect-timeout request-timeout
    tcp-nodelay default-backend max-connections dns.resolvers dns.timeout backends.ID.target-address backends.ID.dynamic
    backends.ID.identity-aware backends.ID.tls-server-name listener.cacert-file listener.tls-privkey listener.tls-chain
    escaper.cacert-file escaper.tls-privkey escaper.tls-certificate escaper.pkcs11-uri rpc.admin-groups rpc.trusted-groups`,
  teleport: `
    http/1.1 h2 acme-tls/1 teleport-postgres teleport-mysql teleport-mongodb teleport-redis teleport-sqlserver
    teleport-snowflake teleport-oracle teleport-cassandra teleport-elasticsearch teleport-opensearch teleport-dynamodb
    teleport-clickhouse teleport-spanner teleport-proxy-ssh teleport-proxy-ssh-grpc teleport-proxy-grpc
    teleport-proxy-grpc-mtls teleport-reversetunnel teleport-reversetunnelv2 teleport-auth@CLUSTER teleport-tcp
    teleport-mysql-VERSION teleport-PROTOCOL-ping kube-teleport-proxy-alpn.
    proxy_listener_mode web_listen_addr tunnel_listen_addr listen_addr kube_listen_addr mysql_listen_addr
    postgres_listen_addr mongo_listen_addr https_keypairs proxy_protocol TELEPORT_TLS_ROUTING_CONN_UPGRADE`,
  stunnel: `
    chroot compression debug EGD engine engineCtrl engineDefault fips foreground iconActive iconError iconIdle log output
    pid RNDbytes RNDfile RNDoverwrite service syslog taskbar accept CAengine CApath CAfile cert checkEmail checkHost
    checkIP ciphers ciphersuites client config connect CRLpath CRLfile curves logId delay engineId engineNum exec execArgs
    failover ident include key libwrap local OCSP OCSPaia OCSPflag OCSPnonce options protocol protocolAuthentication
    protocolDomain protocolHeader protocolHost protocolPassword protocolUsername PSKidentity PSKsecrets pty redirect
    renegotiation reset retry securityLevel requireCert setgid setuid sessionCacheSize sessionCacheTimeout sessionResume
    sessiond sni socket sslVersion sslVersionMax sslVersionMin stack ticketKeySecret ticketMacSecret TIMEOUTbusy
    TIMEOUTclose TIMEOUTconnect TIMEOUTidle transparent verify verifyChain verifyPeer`,
  sslh: `
    --config --timeout --on-timeout --transparent --listen --ssl --tls --ssh --openvpn --xmpp --http --tinc --adb --socks5
    --anyprot --verbose --numeric --user --chroot --pidfile --inetd --foreground --background --wireguard --msrdp --syslog
    -V --logfile --udp-max-connections syslog_facility listen.host listen.port listen.keepalive listen.is_udp
    protocols.name protocols.host protocols.port protocols.service protocols.log_level protocols.keepalive protocols.fork
    protocols.tfo_ok protocols.transparent protocols.resolve_on_forward protocols.sni_hostnames protocols.alpn_protocols
    protocols.regex_patterns protocols.minlength protocols.udp_timeout protocols.proxyprotocol protocols.is_unix`,
};
