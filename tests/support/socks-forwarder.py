"""Passes datagrams on to one destination through a SOCKS5 proxy, by PySocks: each source has an association of its own. Loopback only."""
import select, socket, sys

import socks

proxy, host, port = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
listener.bind(("127.0.0.1", 0))
ways = {}
sources = {}
print(listener.getsockname()[1], flush=True)
while True:
    ready, _, _ = select.select([listener, *sources], [], [])
    for one in ready:
        if one is not listener:
            listener.sendto(one.recvfrom(65536)[0], sources[one])
            continue
        data, source = listener.recvfrom(65536)
        if source not in ways:
            way = socks.socksocket(socket.AF_INET, socket.SOCK_DGRAM)
            way.set_proxy(socks.SOCKS5, "127.0.0.1", proxy)
            ways[source] = way
            sources[way] = source
        ways[source].sendto(data, (host, port))
