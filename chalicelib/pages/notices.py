"""The pages without a decision; their words are in the catalogues, under `notice.NAME`."""

from typing import Final, Literal, NamedTuple


class Notice(NamedTuple):
    """The look of one notice.

    tone   "stop": it cannot go on; "care": check how it began; "wait": it may work later; "good": nothing is wrong
    back   label of the link, if a link is known: a key of the section `back`
    """

    tone: Literal["stop", "care", "wait", "good"] = "stop"
    back: Literal["start_again", "back_to", "go_on"] = "start_again"


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
    "device_again": Notice("care", "back_to"),
    "device_tries": Notice("wait"),
    "waiting": Notice("wait", "go_on"),
    "signed_out": Notice("good", "back_to"),
    "still_signed_in": Notice("good", "back_to"),
    "sign_out_again": Notice("wait"),
    "account_over": Notice("wait", "back_to"),
    "account_again": Notice("care", "back_to"),
    "account_of_another": Notice("care", "back_to"),
    "erased": Notice("good"),
    "app_paused": Notice("care", "back_to"),
    "login_not_fresh": Notice("care", "back_to"),
    "login_taken": Notice("care", "back_to"),
    "not_found": Notice("care", "back_to"),
    "account_of_nobody": Notice("care", "back_to"),
}
