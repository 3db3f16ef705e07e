"""The gateway over real sockets, before a small app of its own: events, answers and limits as API Gateway has them."""

import http.client
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from chalice import Chalice, CORSConfig, Response

from local.stack.gateway import Gateway
from tests.kit.requirement import requirement

pytestmark = pytest.mark.timeout(60)


def build_app() -> Chalice:
    app = Chalice(app_name="echo", configure_logs=False)
    app.api.binary_types = []

    def event() -> Any:
        assert app.current_request is not None
        return app.current_request.to_original_event()

    @app.route("/", methods=["GET", "HEAD"])
    def root() -> Any:
        return event()

    @app.route("/echo", methods=["GET", "POST"], content_types=[])
    def echo() -> Any:
        return event()

    @app.route("/clients/{client_id}", methods=["GET"])
    def client(client_id: str) -> Any:
        return {"client_id": client_id}

    @app.route("/clients/me", methods=["GET"])
    def me() -> Any:
        return {"me": True}

    @app.route("/proxy/{provider_id}/{path+}", methods=["GET"], content_types=[])
    def proxy(provider_id: str) -> Any:
        return event()["pathParameters"]

    @app.route("/cookies", methods=["GET"])
    def cookies() -> Response:
        return Response("", headers={"Set-Cookie": ["a=1", "b=2"], "WWW-Authenticate": "Bearer"}, status_code=401)

    @app.route("/slow/{name}", methods=["GET"])
    def slow(name: str) -> Any:
        time.sleep(0.01)
        assert app.current_request is not None
        assert app.lambda_context.get_remaining_time_in_millis() > 0
        return {"seen": app.current_request.uri_params, "argument": name}

    @app.route("/split", methods=["GET"])
    def split() -> Response:
        return Response("", headers={"Set-Cookie": ["a=1\r\nX-Evil: 1"]})

    @app.route("/empty", methods=["GET"])
    def empty() -> Response:
        return Response("", status_code=204)

    @app.route("/cors", methods=["GET"], cors=CORSConfig(allow_origin="https://app.example"))
    def cors() -> Any:
        return {}

    return app


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    running = Gateway(build_app()).start()
    yield running
    running.stop()


def send(gateway: Gateway, method: str, target: str, body: Any = None, **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(gateway.host, gateway.port, timeout=10)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, target, body, names, encode_chunked=names.get("Transfer-Encoding") == "chunked")
    return connection.getresponse()


def raw(gateway: Gateway, message: bytes) -> bytes:
    with socket.create_connection((gateway.host, gateway.port), timeout=10) as connection:
        connection.sendall(message)
        answer = b""
        while part := connection.recv(65_536):
            answer += part
        return answer


def test_the_event_is_a_complete_rest_event(gateway: Gateway) -> None:
    event = json.loads(send(gateway, "GET", "/echo?a=1&a=2&b=&c=%C3%A9+x", Cookie="k=v").read())
    assert event["resource"] == event["path"] == "/echo"
    assert event["httpMethod"] == "GET"
    assert event["queryStringParameters"] == {"a": "2", "b": "", "c": "é x"}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": [""], "c": ["é x"]}
    assert event["multiValueHeaders"]["Cookie"] == ["k=v"]
    assert event["headers"]["X-Forwarded-Proto"] == "http"
    assert event["pathParameters"] is None and event["body"] is None and event["isBase64Encoded"] is False
    context = event["requestContext"]
    assert context["identity"]["sourceIp"] == "127.0.0.1"
    assert context["stage"] == "api" and context["resourcePath"] == "/echo"
    assert context["domainName"] == f"127.0.0.1:{gateway.port}"
    assert context["requestId"] and context["requestTimeEpoch"] > 1_600_000_000_000


def test_a_repeated_header_shows_every_value(gateway: Gateway) -> None:
    answer = raw(gateway, b"GET /echo HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nX-A: 2\r\nConnection: close\r\n\r\n")
    event = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert event["multiValueHeaders"]["X-A"] == ["1", "2"]
    assert event["headers"]["X-A"] == "2"


def test_forwarded_addresses_are_a_claim_and_the_source_is_not(gateway: Gateway) -> None:
    event = json.loads(send(gateway, "GET", "/echo", X_Forwarded_For="9.9.9.9").read())
    assert event["headers"]["X-Forwarded-For"] == "9.9.9.9, 127.0.0.1"
    assert event["requestContext"]["identity"]["sourceIp"] == "127.0.0.1"


def test_path_parameters_stay_encoded(gateway: Gateway) -> None:
    assert json.loads(send(gateway, "GET", "/clients/a%2Fb%20c").read()) == {"client_id": "a%2Fb%20c"}


def test_a_fixed_segment_goes_before_a_parameter(gateway: Gateway) -> None:
    assert json.loads(send(gateway, "GET", "/clients/me").read()) == {"me": True}


@pytest.mark.parametrize("rest", ["a", "a/b%2Fc//d/", "a?x=1"])
def test_a_greedy_parameter_takes_the_rest_as_sent(gateway: Gateway, rest: str) -> None:
    found = json.loads(send(gateway, "GET", f"/proxy/demo/{rest}").read())
    assert found == {"provider_id": "demo", "path": rest.partition("?")[0]}


@pytest.mark.parametrize(
    ("method", "target"),
    [("GET", "/nothing"), ("DELETE", "/echo"), ("GET", "/clients/"), ("GET", "//echo"), ("OPTIONS", "/echo")],
)
def test_unknown_paths_and_methods_get_the_gateways_403(gateway: Gateway, method: str, target: str) -> None:
    response = send(gateway, method, target)
    assert response.status == 403
    assert json.loads(response.read()) == {"message": "Missing Authentication Token"}


def test_a_slash_at_the_end_does_not_count(gateway: Gateway) -> None:
    assert send(gateway, "GET", "/echo/").status == 200


def test_two_cookies_are_two_lines(gateway: Gateway) -> None:
    response = send(gateway, "GET", "/cookies")
    assert response.headers.get_all("Set-Cookie") == ["a=1", "b=2"]


@requirement("AWS-02")
def test_www_authenticate_is_renamed_under_any_name_of_the_api(gateway: Gateway) -> None:
    """API Gateway, "Important notes": the integration's header comes back as x-amzn-Remapped-..."""
    within = Gateway(build_app(), stage_prefix="/api").start()
    for running, path in ((gateway, "/cookies"), (within, "/api/cookies")):
        response = send(running, "GET", path)
        assert response.getheader("x-amzn-remapped-www-authenticate") == "Bearer"
        assert response.getheader("WWW-Authenticate") is None
    within.stop()


def test_a_front_door_that_names_it_back_is_asked_for_by_name() -> None:
    running = Gateway(build_app(), remap_authenticate=False).start()
    assert send(running, "GET", "/cookies").getheader("WWW-Authenticate") == "Bearer"
    running.stop()
    running.stop()


def test_a_stage_prefix_is_demanded_and_kept_out_of_the_path() -> None:
    running = Gateway(build_app(), stage_prefix="/api").start()
    event = json.loads(send(running, "GET", "/api/echo?x=1").read())
    assert event["path"] == "/echo" and event["requestContext"]["path"] == "/api/echo"
    assert send(running, "GET", "/api").status == 200
    for outside in ("/echo", "/apiecho"):
        assert send(running, "GET", outside).status == 403
    running.stop()


def test_head_has_no_body_and_the_connection_stays_in_step(gateway: Gateway) -> None:
    connection = http.client.HTTPConnection(gateway.host, gateway.port, timeout=10)
    connection.request("HEAD", "/")
    response = connection.getresponse()
    assert int(response.headers["Content-Length"]) > 100 and response.read() == b""
    connection.request("GET", "/clients/1")
    assert json.loads(connection.getresponse().read()) == {"client_id": "1"}


def test_204_has_neither_body_nor_length(gateway: Gateway) -> None:
    response = send(gateway, "GET", "/empty")
    assert response.status == 204 and response.getheader("Content-Length") is None


def test_header_injection_ends_in_a_502(gateway: Gateway) -> None:
    response = send(gateway, "GET", "/split")
    assert response.status == 502 and response.getheader("X-Evil") is None


def test_preflights_of_chalices_own_cors_never_reach_the_app(gateway: Gateway) -> None:
    response = send(gateway, "OPTIONS", "/cors")
    assert response.status == 200
    assert response.getheader("Access-Control-Allow-Origin") == "https://app.example"
    assert response.getheader("Access-Control-Allow-Methods") == "GET,OPTIONS"


def test_a_chunked_body_arrives_whole(gateway: Gateway) -> None:
    response = send(gateway, "POST", "/echo", iter([b"a=1", b"&b=2"]), Transfer_Encoding="chunked")
    assert json.loads(response.read())["body"] == "a=1&b=2"


def test_a_body_with_expectation_is_asked_for(gateway: Gateway) -> None:
    head = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    assert raw(gateway, head + b"hi").startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200")


def test_headers_over_the_limit_are_refused(gateway: Gateway) -> None:
    assert send(gateway, "GET", "/echo", X_Large="x" * 9_900).status == 200
    assert send(gateway, "GET", "/echo", X_Large="x" * 10_240).status == 431
    assert send(gateway, "GET", "/echo?" + "x" * 10_240).status == 414


def test_a_body_over_ten_megabytes_is_refused(gateway: Gateway) -> None:
    assert send(gateway, "POST", "/echo", b"x" * (10 * 1024 * 1024 + 1)).status == 413
    chunks = iter([b"x" * 1024 * 1024] * 11)
    assert send(gateway, "POST", "/echo", chunks, Transfer_Encoding="chunked").status == 413


@pytest.mark.parametrize(
    "message",
    [
        b"GET /echo HTTP/1.1\r\n\r\n",
        b"GET /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /echo HTTP/2.0\r\nHost: x\r\n\r\n",
        b"GET  /echo HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /echo HTTP/1.1\r\nHost: x\r\nX-A: 1\r\n folded\r\n\r\n",
        b"GET /echo HTTP/1.1\r\nHost: x\r\nX A: 1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\n",
    ],
)
def test_ambiguous_messages_are_refused_and_the_connection_closed(gateway: Gateway, message: bytes) -> None:
    answer = raw(gateway, message)
    assert answer.startswith(b"HTTP/1.1 400 ") and answer.count(b"HTTP/1.1") == 1
    assert b"Connection: close" in answer


def test_every_thread_sees_its_own_request(gateway: Gateway) -> None:
    def ask(number: int) -> bool:
        found = json.loads(send(gateway, "GET", f"/slow/{number}").read())
        return found == {"seen": {"name": str(number)}, "argument": str(number)}

    with ThreadPoolExecutor(16) as threads:
        assert all(threads.map(ask, range(64)))


def test_a_connection_kept_alive_does_not_stall(gateway: Gateway) -> None:
    connection = http.client.HTTPConnection(gateway.host, gateway.port, timeout=10)
    begun = time.perf_counter()
    for _ in range(50):
        connection.request("POST", "/echo", b"x")
        connection.getresponse().read()
    assert time.perf_counter() - begun < 50 * 0.04  # a delayed acknowledgement costs over 40 ms per request


def test_stopping_frees_the_port() -> None:
    running = Gateway(build_app()).start()
    connection = http.client.HTTPConnection(running.host, running.port, timeout=10)
    connection.request("GET", "/")
    connection.getresponse().read()
    running.stop()
    with pytest.raises(OSError):
        send(running, "GET", "/")
    again = Gateway(build_app(), running.port).start()
    assert send(again, "GET", "/").status == 200
    again.stop()
