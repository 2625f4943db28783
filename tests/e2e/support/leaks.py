"""Searching for key material in every form in which it could slip out."""

import base64


def forms(key: bytes) -> dict[str, bytes]:
    """Every window of 16 bytes of the key (8 for lists of numbers) as it could be written somewhere."""
    needles = {}
    for start in range(len(key) - 15):
        window = key[start : start + 16]
        needles[f"bytes from {start}"] = window
        needles[f"bytes from {start}, reversed"] = window[::-1]
        needles[f"hex from {start}"] = window.hex().encode()
        needles[f"upper-case hex from {start}"] = window.hex().upper().encode()
        needles[f"escaped from {start}"] = "".join(f"\\x{b:02x}" for b in window[:8]).encode()
        # Whatever stands before it, five groups of three bytes come out whole.
        for name, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
            needles[f"{name} from {start}"] = encode(window[:15])
        for separator in (", ", ","):
            numbers = separator.join(str(b) for b in window[:8])
            needles[f"numbers from {start} ({separator!r})"] = numbers.encode()
    return needles


def found(content: bytes, key: bytes) -> list[str]:
    """What of the key is in the content."""
    return [what for what, needle in forms(key).items() if needle in content]
