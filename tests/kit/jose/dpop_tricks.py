"""Makes the tricks of tests/data/dpop.toml: a good proof for one request, changed as the line says."""

import json
from dataclasses import dataclass
from functools import cache

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tests.data import read_corpus
from tests.kit.jose.proofs import ProofKey, b64, hash_of, key_of, sign_somehow, unb64
from tests.kit.jose.weak_dpop import NOW, URL

BASE = "https://broker.example/base"
CORPUS = read_corpus("dpop.toml")


@dataclass(frozen=True)
class Asked:
    """The request that a good proof would be for. base: what the corpus calls https://broker.example/base."""

    method: str = "POST"
    url: str = URL
    base: str = BASE
    now: int = NOW
    token: str = "eyJ0.an.access-token"


@dataclass(frozen=True)
class Made:
    """What a line makes: the header's value, and the access token that comes with it."""

    value: str
    token: str | None


PURE = Asked()


def texts(trick, key, asked=PURE):
    """The header and the claims of a line, as text."""
    algorithm = trick.get("header", {}).get("alg", key.algorithm)
    jwk = {name: value for name, value in key.public.items() if name not in trick.get("without_jwk", ())}
    header = {"typ": "dpop+jwt", "alg": algorithm, "jwk": jwk | trick.get("jwk", {}), **trick.get("header", {})}
    claims = {"htm": asked.method, "htu": asked.url, "iat": asked.now, "jti": "jti-1"}
    claims |= {"ath": hash_of(asked.token)} if trick.get("token") else {}
    claims |= trick.get("claims", {}) | {name: asked.now + at for name, at in trick.get("at", {}).items()}
    told = [
        trick.get("header_json") or json.dumps({n: v for n, v in header.items() if n not in trick.get("without", ())}),
        trick.get("claims_json")
        or json.dumps({n: v for n, v in claims.items() if n not in trick.get("without_claims", ())}),
    ]
    public = json.dumps(key.public)
    names = {"$JWK": public, "$TEXT": json.dumps(public), "$NOW": str(asked.now), "$HTU": asked.url}
    for name, text in {**names, **moved(asked.base)}.items():
        told = [one.replace(name, text) for one in told]
    return told


def moved(base):
    """What stands for the server of the corpus, part by part; of another scheme stays of another scheme."""
    if base == BASE:
        return {}
    scheme, _, host = base.partition("://")
    other = {"http": "https", "https": "http"}[scheme]
    return {f"http://{BASE[8:]}": f"{other}://{host}", BASE: base, BASE[:22]: base, BASE[8:22]: host, "/base/": "/"}


@cache
def make_named(name, asked):
    trick = next(line.trick for line in CORPUS if line.name == name)
    key = key_of(trick.get("key", "ec"))
    if trick.get("header", {}).get("alg") == "RS256":
        key = ProofKey(key.key, "RS256")
    header, claims = REWRITES.get(trick.get("rewrite"), (same, None))[0](*texts(trick, key, asked))
    encode_header, encode_claims = ENCODERS.get(trick.get("rewrite"), (b64_, b64_))
    claims = claims.replace("$TOKEN", asked.token)
    front = f"{encode_header(header)}.{encode_claims(claims)}"
    value = f"{front}.{b64(sign_somehow(key, front, trick.get('signed_by', 'right')))}"
    after = REWRITES.get(trick.get("rewrite"), (None, None))[1]
    return Made(after(value) if after else value, asked.token if trick.get("token") else None)


def make(line, asked=PURE):
    """The proof of a line."""
    return make_named(line.name, asked)


def same(header, claims):
    return header, claims


def b64_(text):
    return b64(text.encode())


def change(part, member, of):
    """Another value for a member of the header's key, or of the claims, before signing."""

    def before(header, claims):
        read = {"header": json.loads(header), "claims": json.loads(claims)}
        members = read["header"]["jwk"] if part == "jwk" else read["claims"]
        members[member] = of(members.get(member))
        return json.dumps(read["header"]), json.dumps(read["claims"])

    return before


def after(of):
    return same, of


def with_zero(value):
    return b64(b"\0" + unb64(value))


def der(value):
    front, _, signature = value.rpartition(".")
    raw = unb64(signature)
    return f"{front}.{b64(encode_dss_signature(int.from_bytes(raw[:32], 'big'), int.from_bytes(raw[32:], 'big')))}"


def altered(number, old, new):
    def of(value):
        parts = value.split(".")
        parts[number] = b64(unb64(parts[number]).replace(old, new))
        return ".".join(parts)

    return of


def spare_bits(value):
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return value[:-1] + alphabet[alphabet.index(value[-1]) | 1]


def serialized(value):
    protected, payload, signature = value.split(".")
    return json.dumps({"protected": protected, "payload": payload, "signature": signature})


REWRITES = {
    "zero_before_x": (change("jwk", "x", with_zero), None),
    "padded_x": (change("jwk", "x", lambda x: x + "="), None),
    "zero_before_n": (change("jwk", "n", with_zero), None),
    "ath_hex": (change("claims", "ath", lambda ath: unb64(ath).hex()), None),
    "ath_padded": (change("claims", "ath", lambda ath: ath + "="), None),
    "ath_half": (change("claims", "ath", lambda ath: b64(unb64(ath)[:16])), None),
    "ath_itself": (change("claims", "ath", lambda ath: "$TOKEN"), None),
    "ath_list": (change("claims", "ath", lambda ath: [ath]), None),
    "der": after(der),
    "cut": after(lambda value: value[:-10]),
    "other_jti": after(altered(1, b"jti-1", b"jti-2")),
    "other_header": after(altered(0, b'"typ"', b'"x": 1, "typ"')),
    "twice": after(lambda value: f"{value}, {value}"),
    "fourth": after(lambda value: f"{value}.{value.rpartition('.')[2]}"),
    "json": after(serialized),
    "spare_bits": after(spare_bits),
    "blank": after(lambda value: " " + value),
    "scheme": after(lambda value: "DPoP " + value),
    "quotes": after(lambda value: f'"{value}"'),
    "plus": (change("claims", "x", lambda x: "~~~???~~~???>>>"), None),
    "long": (change("claims", "x", lambda x: "x" * 6000), None),
}
ENCODERS = {
    "padding": (lambda text: b64_(text + " " * ((1 - len(text)) % 3)) + "==", b64_),
    "plus": (b64_, lambda text: b64_(text).replace("-", "+").replace("_", "/")),
}
