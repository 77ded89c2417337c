"""Objects of version 3 on python3-cryptography, written from commands/s3crypt/FORMAT.md alone.

Reads orders from standard input, one JSON object a line, and answers each with a line.
"""

import base64
import json
import struct
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

MAGIC = b"J'apercus l'audacieux capitaine."
CHUNK = 16384


class Bad(Exception):
    pass


def expand(key, info, length):
    return HKDFExpand(algorithm=SHA512(), length=length, info=info).derive(key)


def rotate(word, bits):
    return ((word << bits) | (word >> (32 - bits))) & 0xFFFFFFFF


def quarter(x, a, b, c, d):
    for i, j, k, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        x[i] = (x[i] + x[j]) & 0xFFFFFFFF
        x[k] = rotate(x[k] ^ x[i], bits)


def hchacha20(key, nonce):
    """draft-irtf-cfrg-xchacha-03 section 2.2."""
    x = list(struct.unpack("<16I", b"expand 32-byte k" + key + nonce))
    for _ in range(10):
        for i in range(4):
            quarter(x, i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(x, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return struct.pack("<8I", *x[:4], *x[12:])


def wrapping(key, nonce, purpose=b"portail s3crypt v3 wrapping key"):
    """The AEAD that seals keys of objects, and the rest of its nonce."""
    wrapping_key = expand(key, purpose, 32)
    return ChaCha20Poly1305(hchacha20(wrapping_key, nonce[:16])), bytes(4) + nonce[16:]


def chunks(key, salt, context):
    """The commitment, the AEAD, and the nonce of each chunk."""
    derived = expand(key, b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + salt + context, 76)
    base = int.from_bytes(derived[32:44], "big")
    return derived[44:], AESGCM(derived[:32]), lambda number: (base ^ number).to_bytes(12, "big")


def cobblestone(key, salt, context, plain):
    commitment, aead, nonce = chunks(key, salt, context)
    pieces = [plain[i * CHUNK : (i + 1) * CHUNK] for i in range(len(plain) // CHUNK + 1)]
    return salt + commitment + b"".join(aead.encrypt(nonce(i), piece, None) for i, piece in enumerate(pieces))


def seal(key, key_id, plain, object_id, object_key, nonce, salt, flags=0, part=0, size=CHUNK):
    head = MAGIC + struct.pack("<QQQII", 3, size, key_id, flags, part) + object_id
    if part:
        head += struct.pack("<Q", len(plain))
    aead, rest = wrapping(key, nonce)
    header = head + nonce + aead.encrypt(rest, object_key, head)
    return header + cobblestone(object_key, salt, header, plain)


def manifest(key, key_id, object_id, nonce, parts):
    """`parts` are triples: number, bytes of plaintext, the part itself or None."""
    entries = b"".join(
        struct.pack("<IQI", number, plain, 0 if part is None else 1)
        + bytes(16)
        + (bytes(32) if part is None else base64.b64decode(part)[184:216])
        for number, plain, part in parts
    )
    head = MAGIC + struct.pack("<QQ", 256, key_id) + object_id
    aead, rest = wrapping(key, nonce, b"portail s3crypt v3 manifest")
    return head + nonce + aead.encrypt(rest, entries, head)


def unseal(key, data):
    if len(data) < 208 or data[:32] != MAGIC:
        raise Bad("no header")
    version, size, _, flags, part = struct.unpack("<QQQII", data[32:64])
    if (version, size, flags, part) != (3, CHUNK, 0, 0):
        raise Bad("another kind of object")
    header, salt = data[:152], data[152:176]
    aead, rest = wrapping(key, header[80:104])
    object_key = aead.decrypt(rest, header[104:], header[:80])
    commitment, aead, nonce = chunks(object_key, salt, header)
    if data[176:208] != commitment:
        raise Bad("another key")
    body = data[208:]
    if len(body) % (CHUNK + 16) < 16:
        raise Bad("cut off")
    pieces = range(0, len(body), CHUNK + 16)
    return b"".join(aead.decrypt(nonce(i), body[at : at + CHUNK + 16], None) for i, at in enumerate(pieces))


def peer(order):
    """Cobblestone-256 as the library itself has it, from its version 50 on."""
    from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor

    if "sealed" in order:
        decryptor = Cobblestone256Decryptor(order["key"], context=order["context"])
        return decryptor.update(order["sealed"]) + decryptor.finalize()
    encryptor = Cobblestone256Encryptor(order["key"], context=order["context"])
    return encryptor.update(order["plain"]) + encryptor.finalize()


def obey(order):
    do = order.pop("do")
    order = {name: base64.b64decode(value) if isinstance(value, str) else value for name, value in order.items()}
    if do == "peer":
        return peer(order)
    return {"seal": seal, "unseal": unseal, "manifest": manifest, "cobblestone": cobblestone}[do](**order)


for line in sys.stdin:
    try:
        answer = {"bytes": base64.b64encode(obey(json.loads(line))).decode()}
    except (Bad, InvalidTag) as error:
        answer = {"error": repr(error)}
    print(json.dumps(answer))
