"""What a user's own page costs at the table, warm, exactly."""

from urllib.parse import urlencode

from chalicelib.records.item_keys import subject_item_key
from tests.kit.http.account_page import PATH, account_pages, age_session, app_pages, look, press
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import read, start_session
from tests.kit.limits.call_budget import spends
from tests.kit.requirement import requirement


@requirement("BUDGET")
def test_the_page_and_taking_back(stack: Stack) -> None:
    session, other = start_session(stack), start_session(stack)
    browser = session.sign_in.browser
    page = look(browser)
    with spends(stack, 4, "session, index, items, uses; whatever the number of apps"):
        look(browser)
    with spends(stack, 0, "the way in"):
        stack.browser().get(PATH)
    with spends(stack, 0, "to the provider"):
        left = stack.browser().post(PATH, [("act", "sign_in demo")])
    newcomer = stack.browser()
    left = newcomer.post(PATH, [("act", "sign_in demo")])
    back = stack.provider.sign_in(left.location, "alice")
    with spends(stack, 4, "claim, read, connections whose tokens must stay: index and items"):
        assert newcomer.get(back).status == 303
    for path in (*app_pages(browser), *account_pages(browser), f"{PATH}/accounts", f"{PATH}/data"):
        with spends(stack, 4, f"{path}: the same"):
            assert browser.get(path).status == 200
    for question in (f"end {session.claims['connections']['demo']}", f"end_app {other.client.client_id}", "end_all"):
        with spends(stack, 4, f"{question}: a question costs what the page costs"):
            press(browser, page, question)
    with spends(stack, 10, "the page's four, duty, tombstone, index, items, consent, endings"):
        press(browser, page, f"end_sure {session.claims['connections']['demo']}")
    with spends(stack, 4, "again"):
        press(browser, page, f"end_sure {session.claims['connections']['demo']}")
    with spends(stack, 10, "the mark on the consent in place of narrowing it"):
        press(browser, page, f"end_app_sure {other.client.client_id}")
    with spends(stack, 4, "again"):
        press(browser, page, f"end_app_sure {other.client.client_id}")
    age_session(stack, browser, 901)
    with spends(stack, 1, "what wants a fresh sign-in"):
        press(browser, page, "end_all_sure")


@requirement("BUDGET")
def test_limits_data_and_erasing(stack: Stack) -> None:
    session = start_session(stack)
    browser = session.sign_in.browser
    page = look(browser)
    client_id = session.client.client_id
    for act, calls, what in (
        (f"pause {client_id}", 6, "the page's four, consent, one for each grant that lives"),
        (f"resume {client_id}", 6, "the same"),
        (f"limit {client_id}", 6, "the page's four, consent, duty"),
        (f"unlimit {client_id}", 5, "the page's four, consent"),
        (f"narrow {client_id}", 5, "the page's four, consent"),
        (f"reconnect {session.claims['connections']['demo']}", 4, "the page's four"),
        ("download", 5, "the page's four, all uses"),
        ("erase", 4, "the question, with how many apps lose access"),
        ("erase_for_good", 4, "session, duty, switch and next life"),
    ):
        ticked = [("scope", "demo:notes:read"), ("scope", "offline_access")]
        with spends(stack, calls, f"{act}: {what}"):
            assert press(browser, page, act, *ticked).status in (200, 303), act


@requirement("BUDGET")
def test_a_refresh_and_a_use_that_a_pause_refuses(stack: Stack) -> None:
    session = start_session(stack)
    browser = session.sign_in.browser
    press(browser, look(browser), f"pause {session.client.client_id}")
    with spends(stack, 1, "refused by the one write"):
        assert session.refresh().status == 400
    with spends(stack, 1, "refused by the one read"):
        assert session.userinfo().status == 401


@requirement("BUDGET", "ACC-12")
def test_a_second_login(stack: Stack) -> None:
    session = start_session(stack)
    browser = session.sign_in.browser
    page = look(browser)
    with spends(stack, 1, "to the provider"):
        left = press(browser, page, "link demo")
    back = stack.provider.sign_in(left.location, "bob")
    with spends(stack, 9, "session, claim, login, connections whose tokens must stay (2 and 2), noted, linked"):
        assert browser.get(back).status == 303
    with spends(stack, 4, "the page, as without it"):
        page = look(browser)
    stack.sign_in(session.client, who="bob", browser=stack.browser())
    stack.provider.faults.drop_refresh_token = True
    asked = stack.to_callback(session.client, who="bob", browser=stack.browser())
    with spends(stack, 5, "claim, batch read, once more for whose login it is, connection, issue"):
        assert "code=" in asked.browser.get(asked.callback).location
    (name,) = read(stack, subject_item_key(session.claims["sub"])).logins
    with spends(stack, 5, "session, login, its end and next life, no longer noted"):
        assert press(browser, page, f"unlink_sure {name}").status == 303


@requirement("BUDGET", "SESS-04")
def test_signing_out_here_and_everywhere(stack: Stack) -> None:
    session, other = start_session(stack), start_session(stack)
    hint = urlencode({"id_token_hint": other.tokens["id_token"]})
    with spends(stack, 1, "the session's end"):
        other.sign_in.browser.get(f"/logout?{hint}")
    browser = session.sign_in.browser
    page = look(browser)
    with spends(stack, 4, "session, salt, index, apps that may want to know"):
        assert press(browser, page, "sign_out_everywhere").status == 200
