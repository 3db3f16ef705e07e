"""An authority of a provider here: one certificate for the hosts that its file names, and for no other."""

import datetime
import ssl
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAYS = 30
_NO = dict.fromkeys(
    ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only"),
    False,
)
_SIGNS_CERTIFICATES = x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True, **_NO)


def make_authority(hosts: Iterable[str], folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's side of TLS for these names, and the file to trust; both keys are made now and belong to nobody else.

    A client that asks for another name is refused in the handshake.
    """
    names = sorted(set(hosts))
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Token Broker fake providers")])
    ca = _sign(authority, authority, ca_key, ca_key, x509.BasicConstraints(ca=True, path_length=0), _SIGNS_CERTIFICATES)
    alternative = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    leaf = _sign(x509.Name([]), authority, key, ca_key, alternative)
    pem = serialization.Encoding.PEM
    ca_file, chain = folder / "ca.pem", folder / "chain.pem"
    ca_file.write_bytes(ca.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    chain.touch(mode=0o600)
    chain.write_bytes(private + leaf.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(chain)
    chain.unlink()

    def choose(_socket: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> int | None:
        return None if name in names else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

    context.sni_callback = choose
    return context, ca_file


def _sign(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    ca_key: ec.EllipticCurvePrivateKey,
    *extensions: x509.ExtensionType,
) -> x509.Certificate:
    """One certificate with the identifiers that strict verification asks for."""
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=_DAYS))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    authority_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    builder = builder.add_extension(authority_id, critical=False)
    subject_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return builder.add_extension(subject_id, critical=False).sign(ca_key, hashes.SHA256())
