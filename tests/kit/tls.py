"""TLS before a plain server: an authority of its own, a certificate for one name, a pipe to a port of this machine."""

import contextlib
import datetime
import socket
import ssl
import threading
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class TlsFront:
    """Listens with TLS on a free port of loopback as `name` and passes everything on to `target_port`.

    ca_file   the authority that signed its certificate
    """

    def __init__(self, name: str, target_port: int, folder: Path) -> None:
        self.ca_file, chain = write_certificates(name, folder)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(chain)
        self._target_port = target_port
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        """Stop listening."""
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                raw, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        place = ("127.0.0.1", self._target_port)
        with (
            contextlib.suppress(OSError),
            self._context.wrap_socket(raw, server_side=True) as outside,
            socket.create_connection(place) as inside,
        ):
            answering = threading.Thread(target=pipe, args=(inside, outside), daemon=True)
            answering.start()
            pipe(outside, inside)
            answering.join(10)


def pipe(source: socket.socket, sink: socket.socket) -> None:
    """Pass bytes on until the source ends, then say so to the sink."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def write_certificates(name: str, folder: Path) -> tuple[Path, Path]:
    """Paths of an authority's certificate, and of key and certificate of `name`, valid from yesterday for ten days."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of a test")])
    ca = sign(authority, authority, ca_key, ca_key, x509.BasicConstraints(ca=True, path_length=None))
    leaf_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    leaf = sign(leaf_name, authority, key, ca_key, x509.SubjectAlternativeName([x509.DNSName(name)]))
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    ca_file, chain = folder / "ca.pem", folder / "chain.pem"
    ca_file.write_bytes(ca.public_bytes(encoding))
    chain.write_bytes(private + leaf.public_bytes(encoding))
    return ca_file, chain


def sign(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    ca_key: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
) -> x509.Certificate:
    """One certificate with the identifiers that strict verification asks for."""
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=10)).add_extension(extension, critical=True)
    authority_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    builder = builder.add_extension(authority_id, critical=False)
    subject_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return builder.add_extension(subject_id, critical=False).sign(ca_key, hashes.SHA256())
