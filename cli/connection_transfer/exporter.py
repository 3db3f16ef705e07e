"""broker connection export: the vault's tokens, one per line, encrypted to a public key of the operator (RFC 7516)."""

import argparse
import base64
import json
import os
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash

from chalicelib.encryption import encryption_context_of, open_metadata, open_profile, open_user_key, open_value
from chalicelib.ports import Broker
from chalicelib.protocol.sealing import DecryptionFailed
from chalicelib.records.connection import Connection
from chalicelib.records.item_keys import user_key_item_key
from cli.connection_transfer.format import Moved
from cli.deployment.broker import find_broker
from cli.deployment.connections import list_connections
from cli.deployment.operations import Deployment, OperationError

ALIVE = ("active", "partial", "in_doubt", "reauth_required")


def read_public_key(pem: bytes) -> ec.EllipticCurvePublicKey:
    """A P-256 public key. Raises OperationError."""
    try:
        key = serialization.load_pem_public_key(pem)
    except ValueError:
        key = None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise OperationError("not a public key on the curve P-256", "docs/moving.md shows how to make one with openssl")
    return key


def seal_to(key: ec.EllipticCurvePublicKey, document: bytes) -> str:
    """A compact JWE: ECDH-ES with an ephemeral key, A256GCM (RFC 7518 sections 4.6 and 5.3)."""
    ephemeral = ec.generate_private_key(ec.SECP256R1())
    numbers = ephemeral.public_key().public_numbers()
    epk = {"kty": "EC", "crv": "P-256", "x": _coordinate(numbers.x), "y": _coordinate(numbers.y)}
    header = _b64(json.dumps({"alg": "ECDH-ES", "enc": "A256GCM", "epk": epk}, separators=(",", ":")).encode())
    name = b"A256GCM"
    parties = len(name).to_bytes(4, "big") + name + bytes(4) + bytes(4) + (256).to_bytes(4, "big")
    shared = ephemeral.exchange(ec.ECDH(), key)
    secret = ConcatKDFHash(algorithm=hashes.SHA256(), length=32, otherinfo=parties).derive(shared)
    nonce = os.urandom(12)  # AES-GCM's own; the key is used once
    sealed = AESGCM(secret).encrypt(nonce, document, header.encode())
    return ".".join((header, "", _b64(nonce), _b64(sealed[:-16]), _b64(sealed[-16:])))


def describe(broker: Broker, connection: Connection) -> Moved:
    """One connection, decrypted. Raises SealBroken, LookupError: the user's key is gone."""
    place = user_key_item_key(connection.sub)
    own = broker.store.read(place).get(place)
    if own is None:
        raise LookupError("user_key_gone")
    key, there = (
        open_user_key(broker.keys.get("vault"), own.sealed, sub=connection.sub),
        encryption_context_of(connection),
    )
    refresh = connection.sealed_refresh_token
    return Moved(
        provider=connection.provider_id,
        client_id=connection.client_id,
        sub=connection.sub,
        account_id=connection.account_id,
        access_token=open_value(key, connection.sealed_access_token, "access_token", place=there).decode(),
        refresh_token=open_value(key, refresh, "refresh_token", place=there).decode() if refresh else "",
        scope=" ".join(sorted(connection.granted)),
        expires_at=connection.access_expires_at,
        connected_at=connection.connected_at,
        metadata=open_metadata(key, connection),
        profile=open_profile(key, connection),
    )


def export_lines(broker: Broker, connections: list[Connection], key: ec.EllipticCurvePublicKey) -> list[str]:
    """One line per connection. Raises OperationError if one cannot be decrypted: a partial export would look
    complete.
    """
    lines = []
    for one in connections:
        try:
            lines.append(seal_to(key, msgspec.json.encode(describe(broker, one))))
        except (DecryptionFailed, LookupError):
            raise OperationError(
                f"connection {one.connection_id} cannot be decrypted; nothing was written",
                f"broker connection revoke {one.connection_id}, then again",
            ) from None
    return lines


def _export(deployment: Deployment, options: argparse.Namespace) -> Any:
    try:
        key = read_public_key(Path(options.to).read_bytes())
    except OSError as error:
        raise OperationError(f"the public key cannot be read: {error.strerror}", "--to FILE, in PEM") from None
    broker = find_broker(deployment)
    wanted = {"client_id": options.client, "provider_id": options.provider}
    alive = [one for one in list_connections(deployment, **wanted) if one.status in ALIVE]
    lines = export_lines(broker, alive, key)
    try:
        with os.fdopen(os.open(options.out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.writelines(line + "\n" for line in lines)
    except OSError as error:
        raise OperationError(f"the file cannot be written: {error.strerror}", "--out FILE, a new file") from None
    broker.log.event("connections_exported", count=len(lines), by="operator")
    return {"alive": len(alive), "exported": len(lines)}


def _coordinate(number: int) -> str:
    return _b64(number.to_bytes(32, "big"))


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def add_parser(verbs: Any, common: argparse.ArgumentParser) -> None:
    """broker connection export."""
    words = verbs.add_parser("export", parents=[common], help="export every token, encrypted to your public key")
    words.add_argument("--to", required=True, metavar="FILE", help="public key on P-256, in PEM")
    words.add_argument("--out", required=True, metavar="FILE", help="a new file, which gets one compact JWE per line")
    words.add_argument("--client", metavar="ID", help="only of this app")
    words.add_argument("--provider", metavar="ID", help="only at this provider")
    words.set_defaults(act=_export)
