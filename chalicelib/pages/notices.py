"""The pages without a decision; their words are in the catalogues, under `notice.NAME`."""

from typing import Final, Literal, NamedTuple

Offer = Literal["my_access", "about", "sign_in_again", "enter_code"]
OFFERS: Final[dict[Offer, str]] = {
    "my_access": "/account",
    "about": "/",
    "sign_in_again": "/account",
    "enter_code": "/device",
}


class Notice(NamedTuple):
    """The look of one notice.

    tone     "stop": it cannot go on; "care": check how it began; "wait": it may work later; "good": nothing is wrong;
             "going": the page continues automatically
    back     label of the link, if a link is known: a key of the section `back`
    offers   pages of the broker that it links to, too: keys of `OFFERS`
    """

    tone: Literal["stop", "care", "wait", "good", "going"] = "stop"
    back: Literal["start_again", "back_to", "go_on"] = "start_again"
    offers: tuple[Offer, ...] = ()


NOTICES: Final[dict[str, Notice]] = {
    "request_broken": Notice(),
    "client_unknown": Notice(),
    "client_unfit": Notice(),
    "client_document": Notice("care"),
    "redirect_uri_wrong": Notice(),
    "cookie_missing": Notice("care"),
    "sign_in_over": Notice("wait"),
    "provider_refused": Notice(),
    "provider_unavailable": Notice("wait"),
    "try_later": Notice("wait"),
    "not_allowed": Notice(),
    "wrong_account": Notice(),
    "csrf": Notice(),
    "partial": Notice("care"),
    "link_broken": Notice(),
    "link_over": Notice("wait"),
    "link_of_another": Notice("care"),
    "connected": Notice("good", "back_to"),
    "connected_in_part": Notice("good", "back_to"),
    "not_connected": Notice("good", "back_to"),
    "device_done": Notice("good"),
    "device_denied": Notice("good"),
    "device_over": Notice("wait"),
    "device_again": Notice("care", offers=("enter_code",)),
    "device_tries": Notice("wait"),
    "waiting": Notice("going", "go_on"),
    "signed_out": Notice("good", "back_to", ("sign_in_again",)),
    "still_signed_in": Notice("good", "back_to"),
    "sign_out_again": Notice("wait"),
    "account_over": Notice("wait", offers=("sign_in_again",)),
    "account_again": Notice("care", offers=("my_access",)),
    "account_of_another": Notice("care", offers=("my_access",)),
    "erased": Notice("good"),
    "app_paused": Notice("care", offers=("my_access",)),
    "login_not_fresh": Notice("care", offers=("my_access",)),
    "login_taken": Notice("care", offers=("my_access",)),
    "not_found": Notice("care", "back_to", ("my_access", "about")),
    "account_of_nobody": Notice("care", offers=("my_access",)),
}
