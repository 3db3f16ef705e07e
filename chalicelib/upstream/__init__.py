"""We are the client: requests to providers are built here and their answers read here; nothing is sent from here.

Rules of the room: `build_*_request` gives an HttpRequest, `read_*_response` takes an HttpResponse; nothing of an ID
token is used before it is verified; no provider's name appears in the flow.
"""
