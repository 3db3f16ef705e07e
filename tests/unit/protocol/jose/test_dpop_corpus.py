"""The corpus of tricks with proofs of possession: each line is refused for what it tries, and a checker without that
one check would take it."""

import json

import pytest

from chalicelib.protocol.dpop import check_proof
from chalicelib.protocol.errors import InvalidDpopProof
from tests.data import find_faults
from tests.kit.jose.dpop_tricks import CORPUS, PURE, make, texts
from tests.kit.jose.proofs import key_of
from tests.kit.jose.weak_dpop import NOW, URL, weak_check
from tests.kit.requirement import requirement


@requirement("DPOP-01")
@pytest.mark.parametrize("line", CORPUS, ids=lambda line: line.name)
def test_every_trick_is_refused_for_what_it_tries(line):
    made = make(line)
    with pytest.raises(InvalidDpopProof) as refusal:
        check_proof(made.value, method="POST", url=URL, now=NOW, access_token=made.token)
    assert refusal.value.reason == line.trick["reason"]


@requirement("DPOP-01")
def test_the_corpus_tries_different_things_and_a_weak_checker_falls_for_each():
    for kind in ("ec", "ec384", "ed", "rsa"):
        proof = key_of(kind).prove("POST", URL, now=NOW, token=PURE.token)
        assert weak_check(proof, frozenset(), PURE.token)
    assert not find_faults(
        CORPUS,
        made=lambda line: (tuple(texts(line.trick, key_of("ec"))), json.dumps(line.trick, sort_keys=True)),
        weak=lambda line: weak_check(make(line).value, frozenset(line.trick["weak"]), make(line).token),
        least=40,
        control=[(line.name, weak_check(make(line).value, frozenset(), make(line).token)) for line in CORPUS],
    )
