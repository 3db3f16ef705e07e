// What a refusal means and what to do about it, in plain words.

const TEXTS = {
  access_denied: ["You said no", "Nothing was shared. Begin again whenever you like."],
  login_required: ["Nobody is signed in", "Sign in again."],
  invalid_request: ["The broker did not understand this app", "Check the request in the timeline against the broker’s metadata."],
  invalid_client: ["The broker does not know this app", "Check client_id in config.json; the app may have been removed."],
  invalid_grant: ["This sign-in has expired or was already used", "The code or token was used before, has expired or was revoked. Sign in again."],
  invalid_scope: ["You allowed less than that", "Sign in again and allow the access that this needs."],
  invalid_target: ["This access is not connected", "Sign in again, or connect the provider at the broker, and allow it."],
  invalid_token: ["The access token is no longer good", "Press Refresh; if that fails too, sign in again."],
  insufficient_scope: ["You allowed less than that", "Connect it again and allow the access that this needs."],
  unauthorized_client: ["This app may not do that", "The operator has to allow this kind of access for this client."],
  slow_down: ["Too many requests", "Wait a moment, then try again."],
  temporarily_unavailable: ["The broker cannot decide this now", "Nothing has changed. Try again in a minute."],
  server_error: ["The broker met a fault", "Try again. If it stays, give the error id to the operator."],
  state_mismatch: ["This answer was not asked for", "It came from another tab or from somebody else, so it was thrown away. Sign in here."],
  issuer_mismatch: ["The wrong broker answered", "The answer was thrown away. Check issuer in config.json."],
  id_token_invalid: ["The ID token cannot be trusted", "It was thrown away. Sign in again; if it stays, tell the operator."],
  token_ended_there: ["The provider ended this token early", "The broker learns of it at the next refresh. Connect it again, or wait a minute."],
  tab_blocked: ["Your browser opened no tab", "It can be opened by hand:"],
  unreachable: ["No answer", "Is everything running? It may also be that the other side does not allow this page’s origin (CORS)."],
  unreadable: ["The answer makes no sense", "Look at it in the timeline."],
};

const WITH_A_WAY_OUT = {
  not_connected: ["Not connected yet", "The broker has nothing of yours there, and offers a link that changes that."],
  reauth_required: ["It has to be connected again", "The provider takes nothing from the broker any more: it wants to see you."],
  missing_scopes: ["Connected with less than that", "The link asks you for what is missing."],
  more_than_allowed: ["This sign-in does not cover it", "It was connected before, but not by this sign-in. Allow it once more."],
  not_allowed: ["This sign-in does not cover it", "It was connected before, but not by this sign-in. Allow it once more."],
};

/** A title and what to do, for a Problem or for any other error; `connected`: an account there is listed all the same. */
export function explain(problem, connected = false) {
  const { connect_uri, reason: said } = problem.document ?? {};
  const reason = connected && said === "not_connected" ? "not_allowed" : said;
  const special = connect_uri ? WITH_A_WAY_OUT[reason] : undefined;
  const fallback = ["That did not work", "Look at the last request in the timeline, then try again."];
  const [title, todo] = special ?? TEXTS[problem.code] ?? fallback;
  return { title, todo };
}

/** The rest of what is known, on one line for whoever wants it. */
export function detailsOf(problem) {
  const { reason, missing_scopes, error_id } = problem.document ?? {};
  const missing = missing_scopes?.length ? `missing: ${[missing_scopes].flat().join(" ")}` : "";
  return [problem.code, reason ?? problem.message, missing, error_id && `error id ${error_id}`].filter(Boolean).join(" · ");
}
