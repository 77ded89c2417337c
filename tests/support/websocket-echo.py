"""An echo of WebSockets: `websocket-echo.py [CERT KEY]`. Prints its port. Speaks the subprotocol "echo"."""
import asyncio
import ssl
import sys

import websockets


async def main():
    async def echo(socket):
        print("path", socket.path, "origin", socket.request_headers.get("Origin"), flush=True)
        async for message in socket:
            await socket.send(message)

    context = None
    if len(sys.argv) > 2:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
    async with websockets.serve(echo, "127.0.0.1", 0, ssl=context, subprotocols=["echo"], compression=None) as server:
        print("port", server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()


asyncio.run(main())
