"""Every English word of the hosted pages. `{...}` is filled by `render`; values are escaped there."""

from typing import Final, Literal

from msgspec import Struct

Tone = Literal["stop", "care", "wait", "good"]


class Notice(Struct, frozen=True, kw_only=True):
    """One page without a decision: what happened, and what to do now.

    tone   "stop": it cannot go on; "care": look at how it began; "wait": it may go on later; "good": nothing is wrong
    back   label of the link, where a link is known; {where} is the app's name or host
    """

    title: str
    what: str
    todo: str
    tone: Tone = "stop"
    back: str = "Start again at {where}"


NOTICES: Final[dict[str, Notice]] = {
    "request_broken": Notice(
        title="This sign-in request is damaged",
        what="The app sent you here with a request that is incomplete or has been changed on the way.",
        todo="Go back to the app and sign in from there. If it happens again, tell the people who make the app.",
    ),
    "client_unknown": Notice(
        title="We do not know this app",
        what="The app that sent you here is not registered, or it has been switched off.",
        todo="Do not enter a password for it anywhere. If you expected this app to work, tell the people who make it.",
    ),
    "client_unfit": Notice(
        title="This app is not safe enough for this place",
        what="The app that sent you here does not meet the rules that this sign-in follows.",
        todo="There is nothing that you can do here. Tell the people who make the app.",
    ),
    "client_document": Notice(
        title="We could not look at this app",
        what="The app that sent you here describes itself on a page of its own, and that page does not answer, or says "
        "something else than the app does.",
        todo="Wait a minute and begin again in the app. If it happens again, tell the people who make it.",
        tone="care",
    ),
    "redirect_uri_wrong": Notice(
        title="This app asked to send you to an unknown place",
        what="The address that you would have returned to is not one that the app has registered. "
        "To protect you, we stopped here.",
        todo="Go back to the app and sign in from there. If you came here by a link in a message, close this page.",
    ),
    "cookie_missing": Notice(
        title="We cannot tell that this is your sign-in",
        what="The browser that came back is not carrying what it was given at the start. This happens when the sign-in "
        "was left open for more than a few minutes, began in another browser or inside an app’s built-in window, "
        "when cookies were cleared or are blocked, or when the link came from somebody else.",
        todo="Begin again in the app and finish in the same browser, with cookies allowed. "
        "Nothing was stored and no access was given.",
        tone="care",
    ),
    "sign_in_over": Notice(
        title="This sign-in is over",
        what="It was already finished, or it was left open for too long. "
        "A sign-in works once and for a few minutes, so that nobody can use it after you.",
        todo="If you are not signed in yet, begin again in the app.",
        tone="wait",
    ),
    "provider_refused": Notice(
        title="The sign-in was refused",
        what="The service you chose did not let you in, or you decided not to go on there.",
        todo="Nothing was stored. You can begin again in the app and choose the same account or another one.",
    ),
    "provider_unavailable": Notice(
        title="The other service does not answer",
        what="We could not reach the service you wanted to sign in with, or its answer made no sense to us.",
        todo="Nothing was stored. Wait a minute, then begin again in the app.",
        tone="wait",
    ),
    "try_later": Notice(
        title="We cannot do this right now",
        what="A part of our system does not answer. Nothing was decided and nothing has changed.",
        todo="Wait a minute and try again.",
        tone="wait",
    ),
    "not_allowed": Notice(
        title="This app may not ask for that",
        what="The app asked for something that it is not registered for, or that needs your decision first.",
        todo="Begin again in the app. If it happens again, tell the people who make it.",
    ),
    "wrong_account": Notice(
        title="That was a different account",
        what="You came back with another account than the one that this sign-in was for. "
        "To keep the two apart, we stopped here and stored nothing.",
        todo="Begin again in the app and choose the account that you use there.",
    ),
    "csrf": Notice(
        title="We could not confirm that this came from you",
        what="The answer to our question did not come from the page that we showed in this browser.",
        todo="Begin again in the app. If you did not press anything just now, close this page: nothing was allowed.",
    ),
    "partial": Notice(
        title="Part of the access is missing",
        what="You allowed less at the other service than the app needs, so the sign-in stopped.",
        todo="Begin again in the app and allow what it needs, or leave it: nothing is kept in use.",
        tone="care",
    ),
    "link_broken": Notice(
        title="This link is damaged",
        what="The link is incomplete or has been changed on the way.",
        todo="Go back to the app and begin there again.",
    ),
    "link_over": Notice(
        title="This link is over",
        what="A link to connect an account works once, for ten minutes, and only while you stay signed in to the app "
        "that made it.",
        todo="If the app does not show the account yet, begin again in the app.",
        tone="wait",
    ),
    "link_of_another": Notice(
        title="This link is for somebody else",
        what="An app made this link for one person, and you are signed in here as another. "
        "Nothing was connected and nothing was stored.",
        todo="If somebody sent you this link, close this page. If it is yours, open it where you use the app, "
        "and sign in the way you do there.",
        tone="care",
    ),
    "connected": Notice(
        title="Connected",
        what="The app may now use the account that you chose.",
        todo="Go back to the app. You can close this page.",
        tone="good",
        back="Back to {where}",
    ),
    "connected_in_part": Notice(
        title="Connected, with less",
        what="You allowed less at the other service than the app asked for. It may use what you allowed.",
        todo="Go back to the app. If something is missing there, connect again from the app.",
        tone="good",
        back="Back to {where}",
    ),
    "not_connected": Notice(
        title="Nothing was connected",
        what="The app gets nothing from this account.",
        todo="Go back to the app. You can close this page.",
        tone="good",
        back="Back to {where}",
    ),
    "device_done": Notice(
        title="You can go back to your device",
        what="You are signed in there in a few seconds, without doing anything more.",
        todo="You can close this page.",
        tone="good",
    ),
    "device_denied": Notice(
        title="Nothing was allowed",
        what="The device that asked gets nothing, and its code is over.",
        todo="You can close this page. If somebody sent you that code, do not type another one for them.",
        tone="good",
    ),
    "device_over": Notice(
        title="This request is over",
        what="It was already decided, here or in another browser, or it was left open for too long. "
        "A code of a device works once and for a few minutes.",
        todo="If your device is not signed in yet, let it show a new code.",
        tone="wait",
    ),
    "device_again": Notice(
        title="The sign-in did not work",
        what="The other service did not let you in, or it could not be reached. Your device still waits.",
        todo="Type the code of your device once more to try again.",
        tone="care",
        back="Back to {where}",
    ),
    "device_tries": Notice(
        title="Too many codes in a short time",
        what="So that nobody can guess a code, only a few can be tried in a quarter of an hour.",
        todo="Wait a quarter of an hour, or let your device show its code again later and type it then.",
        tone="wait",
    ),
    "waiting": Notice(
        title="One moment",
        what="Your sign-in is being finished.",
        todo="This page goes on by itself in a moment. There is no need to press anything twice.",
        tone="wait",
        back="Go on now",
    ),
    "signed_out": Notice(
        title="You are signed out",
        what="This browser does not remember you any more.",
        todo="On a shared computer, also sign out at the service that you signed in with.",
        tone="good",
        back="Back to {where}",
    ),
    "still_signed_in": Notice(
        title="You are still signed in",
        what="Nothing has changed at this browser.",
        todo="Go back to the app, or close this page.",
        tone="good",
        back="Back to {where}",
    ),
    "sign_out_again": Notice(
        title="This page was open too long",
        what="You are still signed in: a page that asks counts for a few minutes only.",
        todo="Sign out once more, in the app or here.",
        tone="wait",
    ),
}

CHOICE: Final[dict[str, str]] = {
    "document_title": "{client} asks for access",
    "title": "{client} asks to sign you in",
    "title_with": "{client} asks to sign you in with {provider}",
    "verified": "Verified by the operator",
    "not_verified": "Not verified",
    "not_verified_why": "Nobody here has checked this app, and it chose its own name. "
    "Go on only if you know it and began this sign-in yourself.",
    "loopback": "This app runs on your own device, where another program could pose as it. "
    "Go on only if you began this sign-in yourself, just now.",
    "client_host": "The app’s website",
    "names_itself": "Known only by its address",
    "redirect_host": "You return to",
    "on_this_device": "on this device",
    "lasts": "Access lasts",
    "signed_in_as": "Signed in at this browser: {who}",
    "with_whom": "Choose where to sign in",
    "at": "At {provider}",
    "no_more": "Nothing beyond who you are.",
    "own": "{client} may",
    "at_provider": "At {provider}, {client} may",
    "later": "Only if you connect {provider} later",
    "read": "Reading",
    "write": "Changing",
    "optional": "Optional",
    "after": "Your password stays with the service you sign in at. Nothing happens there before you choose Allow.",
    "after_one": "Your password stays with {provider}. Nothing happens there before you choose Allow.",
    "allow": "Allow",
    "cancel": "Cancel",
    "policy": "Privacy policy",
    "tos": "Terms of service",
    "links": "The app’s own pages",
}

DEVICE: Final[dict[str, str]] = {
    "title": "Sign in on a device",
    "what": "Type the code that your device shows: a television, a terminal, or whatever asked you to come here.",
    "compare": "Is this the code that your device shows? Go on only if it is.",
    "label": "Code",
    "wrong": "This code does not work. It was mistyped, it was used, or it is over: a code works once and for a few "
    "minutes. Your device can show a new one.",
    "go": "Continue",
    "care": "Use only a code that your own device shows you. If somebody sent you a code, close this page: "
    "it would sign them in as you.",
}

DEVICE_CHOICE: Final[dict[str, str]] = {
    **CHOICE,
    "document_title": "{client} asks to be signed in on a device",
    "title": "{client} asks to be signed in as you, on another device",
    "title_with": "{client} asks to be signed in as you with {provider}, on another device",
    "device_warning": "Did somebody send or read you this code? Then choose Cancel: Allow would sign them in as you. "
    "Go on only if your own device shows it, and you began this yourself, just now.",
    "user_code": "The code on your device must be",
    "asked_from": "It asks from",
    "same_network": "· the network that you use here",
    "other_network": "· another network than you use here",
    "asked_at": "It asked",
    "just_now": "just now",
    "minute_ago": "a minute ago",
    "minutes_ago": "{minutes} minutes ago",
}

CONNECT: Final[dict[str, str]] = {
    **CHOICE,
    "document_title": "{client} asks for an account of yours",
    "title": "{client} asks to use an account of yours",
    "title_with": "{client} asks to use your {provider} account",
    "not_verified_why": "Nobody here has checked this app, and it chose its own name. "
    "Go on only if you know it and began this in the app yourself.",
    "loopback": "This app runs on your own device, where another program could pretend to be it. "
    "Go on only if you began this in the app yourself, just now.",
    "after_one": "You choose the account at {provider}, and your password stays there. "
    "Nothing happens there before you choose Allow. You will not sign in here with this account.",
}
CONNECT_LASTS: Final = "until you take it back"

LOGIN_FIRST: Final[dict[str, str]] = {
    "document_title": "Sign in to go on",
    "title": "Sign in first",
    "what": "{client} wants to use an account of yours at {provider}. Nobody is signed in at this browser, "
    "so first show that this link is for you: sign in at {login}, as you did for {client}.",
    "care": "If somebody sent you this link, close this page.",
    "go": "Sign in at {login}",
}

SIGN_OUT: Final[dict[str, str]] = {
    "title": "Sign out?",
    "what_client": "{client} asks to sign you out at this browser.",
    "what": "You are about to sign out at this browser.",
    "stays": "Apps that may act for you while you are away keep that until you take it back.",
    "stay": "Stay signed in",
    "sign_out": "Sign out",
}

LEAVING: Final[dict[str, str]] = {
    "title": "Taking you to {name}",
    "what": "If nothing happens, use the button.",
    "go": "Go on to {name}",
}

POSTING: Final[dict[str, str]] = {
    "title": "Back to {name}",
    "what": "One step is left: the button takes the answer there.",
    "go": "Go on to {name}",
}

PARTIAL: Final[dict[str, str]] = {
    "title": "{provider} gave less than {client} asked for",
    "what": "You can go on with less, try again, or cancel. Until you decide, {client} gets nothing.",
    "granted": "Given",
    "missing": "Missing",
    "nothing": "Nothing",
    "continue": "Go on with less",
    "retry": "Try again at {provider}",
    "cancel": "Cancel",
    "cancel_hint": "Cancel also takes back what was given.",
}

FRAME: Final[dict[str, str]] = {
    "todo": "What you can do",
    "request_id": "If you report this, name the number {request_id}",
}
