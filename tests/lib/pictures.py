"""Bytes that have the frame of a picture: the server lets nothing else pass as one (inspect/picture.h)."""
import struct
import zlib


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(seed=b"", size=0):
    """One pixel, and a comment that makes it another picture, of 'size' bytes in all when that is more."""
    text = b"Comment\0" + seed
    body = (chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)), chunk(b"IDAT", zlib.compress(b"\0\0\0\0")), chunk(b"IEND", b""))
    fixed = 8 + sum(map(len, body)) + 12
    text += bytes(97 + i % 26 for i in range(max(0, size - fixed - len(text))))
    return b"\x89PNG\r\n\x1a\n" + body[0] + chunk(b"tEXt", text) + body[1] + body[2]
