"""TLS by Python's ssl module, on order: a JSON line on standard input asks, one with the same id answers. Loopback only."""
import base64, json, socket, ssl, sys, threading

VERSIONS = {
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}
PATIENCE = 20
lock = threading.Lock()
# Sessions by the name under which the order wants them kept.
sessions = {}
contexts = {}
# What arrived at each port above TLS.
arrived = {}


def answer(order, **what):
    with lock:
        print(json.dumps({"id": order["id"], **what}), flush=True)


def context(order, purpose):
    key = json.dumps([order.get(name) for name in ("version", "cert", "key", "ask")] + [purpose.value])
    if "keep" not in order or key not in contexts:
        made = ssl.SSLContext(purpose)
        if purpose == ssl.PROTOCOL_TLS_CLIENT:
            made.check_hostname = False
            made.verify_mode = ssl.CERT_NONE
        made.minimum_version = made.maximum_version = VERSIONS[order["version"]]
        if order["version"] == "TLSv1.1":
            made.set_ciphers("ALL:@SECLEVEL=0")
        if order.get("cert"):
            made.load_cert_chain(order["cert"], order["key"])
        if order.get("ask"):
            made.verify_mode = ssl.CERT_REQUIRED
            made.load_verify_locations(order["ask"])
        contexts[key] = made
    return contexts[key]


def connect(order):
    """Sends `send` as soon as the handshake lets it, and reads as many bytes back, or all until the end."""
    got, resumed, error = b"", False, None
    try:
        raw = socket.create_connection(("127.0.0.1", order["port"]), PATIENCE)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.sendall(base64.b64decode(order.get("prefix", "")))
        session = sessions.get(order["keep"]) if "keep" in order else None
        tls = context(order, ssl.PROTOCOL_TLS_CLIENT).wrap_socket(raw, server_hostname="localhost", session=session)
        resumed = tls.session_reused
        send = order["send"].encode()
        tls.sendall(send)
        while len(got) < len(send):
            chunk = tls.recv(65536)
            if not chunk:
                break
            got += chunk
        if "keep" in order and tls.session is not None:
            sessions[order["keep"]] = tls.session
        tls.close()
    except OSError as failure:
        error = str(failure)
    answer(order, got=got.decode("latin1"), resumed=resumed, error=error)


def serve(order):
    """Sends back what comes, from a port of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    arrived[port] = 0
    made = context(order, ssl.PROTOCOL_TLS_SERVER)
    answer(order, port=port)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=echo, args=(client, made, port), daemon=True).start()


def echo(client, made, port):
    client.settimeout(PATIENCE)
    try:
        tls = made.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
    except OSError:
        client.close()
        return
    try:
        tls.do_handshake()
        while chunk := tls.recv(65536):
            arrived[port] += len(chunk)
            tls.sendall(chunk)
    except ssl.SSLError:
        leave(tls)
    except OSError:
        pass
    tls.close()


def leave(tls):
    """Reads what still comes: to close before would be an abort, which a relay may see ahead of our alert."""
    try:
        tls.shutdown(socket.SHUT_WR)
        while tls.recv(65536):
            pass
    except OSError:
        pass


def count(order):
    answer(order, bytes=arrived[order["port"]])


for line in sys.stdin:
    asked = json.loads(line)
    threading.Thread(target={"connect": connect, "serve": serve, "count": count}[asked["do"]], args=(asked,), daemon=True).start()
