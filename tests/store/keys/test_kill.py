"""Each kill switch: one write, and at the next request nothing of before is taken; who is not meant goes on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.adapters.aws.transport import AwsRefusal
from chalicelib.adapters.process.system import SystemClock
from chalicelib.records.item_keys import DEPLOYMENT
from chalicelib.records.revocation import Revocation
from cli.commands.kill import kill_client, kill_everything, kill_provider, kill_user
from cli.deployment.aws import BotoTransport
from cli.deployment.kill_counts import count_void, outlasting
from cli.deployment.operations import Deployment, OperationError
from tests.kit.http.sign_in_scene import add_provider, grants, shows
from tests.kit.http.stack import SignIn, Stack
from tests.kit.http.tokens import CONFIDENTIAL, Session, refusal, start_session
from tests.kit.requirement import requirement
from tests.kit.wire import CountingTransport

ITSELF = {**CONFIDENTIAL, "grant_types": frozenset({"client_credentials"})}
KINDS = ("client", "user", "provider", "everything")
WRITES = ("PutItem", "UpdateItem", "DeleteItem")


@dataclass
class Scene:
    """alice uses an app by the demo provider; a bystander shares none of the three: bob, another app, another one."""

    stack: Stack
    session: Session
    waiting: SignIn
    bystander: Session
    wire: CountingTransport
    operator: Deployment

    def throw(self, kind: str, *, undo: bool = False) -> Revocation:
        switches: dict[str, Callable[[], Revocation]] = {
            "client": lambda: kill_client(self.operator, self.session.client.client_id, undo=undo),
            "user": lambda: kill_user(self.operator, self.session.claims["sub"], undo=undo),
            "provider": lambda: kill_provider(self.operator, "demo", undo=undo),
            "everything": lambda: kill_everything(self.operator, undo=undo),
        }
        return switches[kind]()

    def named(self, kind: str) -> str:
        names = {"client": self.session.client.client_id, "user": self.session.claims["sub"], "provider": "demo"}
        return names.get(kind, "")


@pytest.fixture
def scene(stack: Stack) -> Scene:
    add_provider(stack)
    app, other = (
        stack.client(),
        stack.client(providers=frozenset({"oidc"}), scopes=frozenset({"openid", "offline_access"})),
    )
    session = start_session(stack, client=app)
    waiting = stack.sign_in(*app)
    browser = stack.browser()
    page = stack.authorize(
        stack.authorize_parameters(other[0], scope="openid offline_access", provider="oidc"), browser
    )
    left = stack.decide(browser, page, provider="oidc")
    back = browser.get(stack.provider.sign_in(left.location, "bob"))
    signed = SignIn(other[0], None, other[0].redirect_uris[0], "v" * 43, "", "", browser, back)
    bystander = Session(stack, signed, stack.redeem(signed).json)
    wire = CountingTransport(stack.deployment.dynamodb)
    operator = Deployment(stack.settings, dynamodb=wire, kms=stack.deployment.kms)
    operator.clock = stack.clock
    return Scene(stack, session, waiting, bystander, wire, operator)


def writes(scene: Scene) -> list[str]:
    return [operation for operation, _ in scene.wire.calls if operation in WRITES]


@requirement("OPS-02", "SWITCH-01")
@pytest.mark.parametrize("kind", KINDS)
def test_one_write_and_nothing_of_before_is_taken_at_the_next_request(scene: Scene, kind: str) -> None:
    stack, session = scene.stack, scene.session
    asker = stack.client(**CONFIDENTIAL, serves=frozenset({stack.settings.issuer}))
    assert stack.post("/introspect", *asker, token=session.access).json["active"]
    assert scene.throw(kind).disabled and writes(scene) == ["UpdateItem"]
    if kind != "everything":
        assert stack.post("/introspect", *asker, token=session.access).json == {"active": False}
    assert refusal(session.userinfo()) == (401, "invalid_token")
    assert session.exchange().status in (400, 401)
    assert stack.get("/connections", Authorization=f"Bearer {session.access}").status == 401
    assert session.refresh().status in (400, 401) and session.grant().status == "revoked"
    if kind in ("user", "provider"):
        browser = session.sign_in.browser
        assert shows_no_code(stack, browser, session)
    if kind == "everything":
        assert scene.bystander.userinfo().status == 401
        assert stack.get("/jwks").status == 200
    else:
        assert scene.bystander.userinfo().status == 200
        assert scene.bystander.refresh().status == 200


def shows_no_code(stack: Stack, browser: Any, session: Session) -> bool:
    """The browser that is signed in gets no code from its session."""
    asked = stack.authorize(stack.authorize_parameters(session.client), browser)
    return asked.status != 303 or shows(stack, asked) != "code"


@requirement("OPS-02", "SWITCH-01")
@pytest.mark.parametrize("kind", KINDS)
def test_a_sign_in_and_a_client_for_itself_may_lag_ten_seconds_and_no_longer(scene: Scene, kind: str) -> None:
    stack = scene.stack
    robot = stack.client(**ITSELF)
    assert stack.token(*robot, grant_type="client_credentials").status == 200 and begins(scene)
    scene.throw(kind)
    stack.clock.advance(10)
    assert not begins(scene)
    for_itself = stack.token(*robot, grant_type="client_credentials")
    assert for_itself.status == (401 if kind == "everything" else 200), for_itself.body


@requirement("OPS-02", "SWITCH-01", "CODE-08")
@pytest.mark.parametrize("undone", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_code_from_before_a_kill_is_refused_also_after_its_undo(scene: Scene, kind: str, undone: bool) -> None:
    scene.throw(kind)
    if undone:
        scene.throw(kind, undo=True)
    assert refusal(scene.stack.redeem(scene.waiting))[1] in ("invalid_grant", "invalid_client")
    (grant,) = [one for one in grants(scene.stack) if one.grant_id not in known(scene)]
    assert (grant.status, grant.generation) == ("revoked", 1)


def known(scene: Scene) -> set[str]:
    """The grants whose codes are redeemed already."""
    return {session.grant().grant_id for session in (scene.session, scene.bystander)}


def check_said(scene: Scene, kind: str) -> None:
    """What it voided, and what lives on for how many seconds."""
    mine = {"grants": 2, "connections": 1, "users": 1}
    everybodys = {"grants": 3, "connections": 2, "users": 2}
    found = count_void(scene.operator, kind, scene.named(kind))
    assert found == (everybodys if kind == "everything" else mine)
    told = [row["seconds"] for row in outlasting(scene.operator, kind, scene.named(kind))]
    lag = [10] if kind in ("client", "everything") else []
    assert told == [scene.stack.settings.access_token_seconds, None, *lag]


def begins(scene: Scene) -> bool:
    """Whether alice gets a code for the app, by the demo provider, in a browser that has never been here."""
    stack, browser = scene.stack, scene.stack.browser()
    page = stack.authorize(stack.authorize_parameters(scene.session.client), browser)
    if page.status != 200:
        return False
    left = stack.decide(browser, page, provider="demo")
    if not left.location.startswith(stack.provider.url):
        return False
    return "code" in browser.get(stack.provider.sign_in(left.location, "alice")).answered


@requirement("OPS-02", "SWITCH-01")
@pytest.mark.parametrize("kind", KINDS)
def test_it_says_what_is_void_and_undone_it_lets_begin_anew_and_revives_nothing(scene: Scene, kind: str) -> None:
    stack, session = scene.stack, scene.session
    scene.throw(kind)
    check_said(scene, kind)
    stack.clock.advance(30)
    marks = scene.throw(kind, undo=True)
    assert not marks.disabled and marks.not_before and writes(scene) == ["UpdateItem"] * 2
    stack.clock.advance(11)
    assert refusal(session.userinfo()) == (401, "invalid_token")
    assert session.refresh().status == 400 and session.exchange().status == 400
    again = start_session(stack, client=(session.client, None))
    assert again.userinfo().status == 200 and again.exchange().status == 200
    assert again.claims["sub"] == session.claims["sub"]


@requirement("SWITCH-01")
def test_who_changes_it_at_the_same_moment_loses_nothing(scene: Scene) -> None:
    """The switch is thrown over what stands there then, or says that it was not thrown."""
    stack = scene.stack

    class Busy:
        """Somebody else writes between each read and each write."""

        def __init__(self, times: int) -> None:
            self.left = times

        def call(self, operation: str, payload: Any) -> dict[str, Any]:
            if operation == "UpdateItem" and self.left:
                self.left -= 1
                marks = replace(Revocation(), not_before=stack.clock.now() - self.left)
                record = stack.deployment.store.read(DEPLOYMENT).get(DEPLOYMENT)
                assert record is not None
                stack.deployment.put_fields(DEPLOYMENT, replace(record, marks=marks), "marks")
            return stack.deployment.dynamodb.call(operation, payload)

    patient = Deployment(stack.settings, dynamodb=Busy(2), kms=stack.deployment.kms)
    assert kill_everything(patient, undo=False).disabled
    kill_everything(stack.deployment, undo=True)
    with pytest.raises(OperationError, match="by another process"):
        kill_everything(Deployment(stack.settings, dynamodb=Busy(99), kms=stack.deployment.kms), undo=False)


@requirement("SWITCH-01")
def test_who_is_not_there_was_erased_or_is_another_name_is_said(scene: Scene) -> None:
    from chalicelib.jobs.user_erasure import erase_user

    for throw in (
        lambda: kill_user(scene.operator, "0" * 32, undo=False),
        lambda: kill_provider(scene.operator, "nowhere", undo=False),
        lambda: kill_client(scene.operator, "0" * 32, undo=False),
    ):
        with pytest.raises(OperationError):
            throw()
    erase_user(scene.stack.broker, scene.session.claims["sub"])
    with pytest.raises(OperationError, match="was erased"):
        kill_user(scene.operator, scene.session.claims["sub"], undo=True)
    assert writes(scene) == []


@requirement("SWITCH-01")
def test_a_switch_that_the_table_refuses_is_not_said_to_be_thrown(scene: Scene) -> None:
    class Refusing:
        def call(self, operation: str, payload: Any) -> dict[str, Any]:
            if operation == "UpdateItem":
                raise AwsRefusal("AccessDeniedException")
            return scene.stack.deployment.dynamodb.call(operation, payload)

    with pytest.raises(AwsRefusal):
        kill_everything(Deployment(scene.stack.settings, dynamodb=Refusing(), kms=scene.stack.kms), undo=False)
    assert scene.session.userinfo().status == 200


class Behind:
    """The clock of an operator's machine that slept for a minute."""

    def now(self) -> int:
        return SystemClock().now() - 60


@requirement("OPS-02", "SWITCH-01")
@pytest.mark.parametrize("kind", KINDS)
def test_a_switch_that_is_thrown_by_a_clock_that_is_behind_revives_nothing(scene: Scene, kind: str) -> None:
    """What was decided in that minute is void as well: the mark takes AWS's time."""
    settings = scene.stack.settings
    scene.operator = Deployment(settings, dynamodb=BotoTransport("dynamodb", endpoint_url=settings.endpoint_url))
    scene.operator.clock = Behind()  # type: ignore[assignment]
    scene.throw(kind)
    scene.throw(kind, undo=True)
    scene.stack.clock.advance(11)
    assert scene.session.refresh().status == 400
    assert scene.stack.userinfo(scene.session.tokens["access_token"]).status == 401
