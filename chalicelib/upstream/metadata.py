"""The values of a sign-in for `[metadata]` of the provider's file, in addition to tokens and user.

A value comes from the callback, from the token response, or from one GET with the access token. Each is checked
against its rule before it is used. A default replaces a missing value, never an invalid one.
"""

from collections.abc import Callable, Mapping

from chalicelib.providers.definition import ProviderDefinition
from chalicelib.providers.definition.placeholders import fill_text
from chalicelib.upstream.http import HttpRequest, HttpResponse, ProviderMisbehaved, ProviderRefused
from chalicelib.upstream.identity import token_header
from chalicelib.upstream.response import at, read_json_document


def read_callback_metadata(definition: ProviderDefinition, get: Callable[[str], str | None]) -> dict[str, str]:
    """The values that the callback carried.

    get   the one value of a parameter, None where it was not sent

    Raises ProviderMisbehaved: one is missing, or is not what the file allows.
    """
    rules = {name: rule for name, rule in definition.metadata.items() if rule.origin == "callback"}
    return _admitted(definition, {name: get(rule.path) for name, rule in rules.items()})


def read_token_metadata(definition: ProviderDefinition, answer: Mapping[str, object]) -> dict[str, str]:
    """The values in the token response. Raises ProviderMisbehaved."""
    rules = {name: rule for name, rule in definition.metadata.items() if rule.origin == "token"}
    return _admitted(definition, {name: at(answer, rule.path) for name, rule in rules.items()})


def build_metadata_requests(
    definition: ProviderDefinition, access_token: str, *, client_id: str
) -> dict[str, HttpRequest]:
    """URL -> the one request to it, whose answer may hold several values; none where no value is asked for."""
    of_file = definition.api.headers if definition.api else {}
    headers = {"Accept": "application/json"}
    headers |= {name: fill_text(value, {"client_id": client_id}) for name, value in of_file.items()}
    headers |= token_header(definition, access_token)
    urls = [rule.url for rule in definition.metadata.values() if rule.url is not None]
    return {url: HttpRequest(method="GET", url=url, headers=headers) for url in urls}


def read_metadata_responses(definition: ProviderDefinition, responses: Mapping[str, HttpResponse]) -> dict[str, str]:
    """The values in the responses.

    responses   by the URLs of `build_metadata_requests`

    Raises ProviderMisbehaved, ProviderUnavailable.
    """
    documents = {url: _read(response) for url, response in responses.items()}
    rules = {name: rule for name, rule in definition.metadata.items() if rule.url is not None}
    return _admitted(definition, {name: at(documents[rule.url or ""], rule.path) for name, rule in rules.items()})


def _read(response: HttpResponse) -> object:
    """A request that is refused has said nothing: a user may well have no such thing."""
    try:
        return read_json_document(response, place="metadata")
    except ProviderRefused:
        return None


def _admitted(definition: ProviderDefinition, said: Mapping[str, object]) -> dict[str, str]:
    """Texts and whole numbers that their rules admit; what was not said is left to its default."""
    found: dict[str, str] = {}
    for name, value in said.items():
        rule = definition.metadata[name]
        if value is None or value == "":
            if rule.default is None:
                raise ProviderMisbehaved(f"metadata_{name}_missing")
            continue
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(text, str) or not rule.admits(text):
            raise ProviderMisbehaved(f"metadata_{name}_refused")
        found[name] = text
    return found
