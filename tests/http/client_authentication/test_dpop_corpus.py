"""Every trick with proofs of possession, over HTTP: at the token endpoint, and where an access token is used."""

from tests.http.client_authentication.jose_trick import is_header, reasons
from tests.kit.http.bound import Holder, start_bound
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import refusal
from tests.kit.jose.dpop_tricks import CORPUS, Asked, make
from tests.kit.requirement import requirement

WITHOUT_TOKEN = [line for line in CORPUS if not line.trick.get("token")]
WITH_TOKEN = [line for line in CORPUS if line.trick.get("token")]


@requirement("DPOP-01", "GEN-13")
def test_no_trick_is_a_proof_at_the_token_endpoint_and_none_uses_anything_up(stack: Stack) -> None:
    issuer = stack.settings.issuer
    sign_in = stack.sign_in(*stack.client())
    asked = Asked(url=f"{issuer}/token", base=issuer, now=stack.clock.now())
    played = []
    with stack.dynamodb.counted() as calls:
        for line in WITHOUT_TOKEN:
            value = make(line, asked).value
            if is_header(value):
                assert refusal(stack.redeem(sign_in, headers={"DPoP": value})) == (400, "invalid_dpop_proof"), line.name
                assert reasons(stack)[-1] == line.trick["reason"], line.name
                played.append(line.section)
    assert not calls and len(played) >= 80 and set(played) == {line.section for line in WITHOUT_TOKEN}
    assert stack.redeem(sign_in, headers=Holder(stack).proof()).status == 200


@requirement("DPOP-01")
def test_no_proof_for_another_token_opens_this_one(stack: Stack) -> None:
    issuer, session = stack.settings.issuer, start_bound(stack)
    asked = Asked(method="GET", url=f"{issuer}/userinfo", base=issuer, now=stack.clock.now(), token=session.access)
    for line in WITH_TOKEN:
        answer = session.use(proof=make(line, asked).value)
        assert refusal(answer) == (401, "invalid_dpop_proof"), line.name
        assert reasons(stack)[-1] == line.trick["reason"], line.name
    assert session.use().status == 200
