// From values to elements. Only textContent is ever set, so nothing that a server says becomes markup.

const SECRET = new Set(["connect_uri", "access_token", "refresh_token", "id_token", "code", "code_verifier", "subject_token", "token"]);
const TIMES = new Set(["exp", "iat", "nbf", "auth_time", "updated_at"]);

/** A new element; text among its children stays text. */
export function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

const abbreviate = (secret) => (secret.length > 20 ? `${secret.slice(0, 8)}…${secret.slice(-4)} (${secret.length})` : secret);

function readable(name, value) {
  if (SECRET.has(name) && typeof value === "string") return abbreviate(value);
  if (TIMES.has(name) && typeof value === "number") return `${new Date(value * 1000).toLocaleString()} (${value})`;
  return typeof value === "string" ? value : JSON.stringify(value);
}

function rows(pairs) {
  return pairs.map(([name, value]) => element("div", "", element("dt", "", name), element("dd", "", readable(name, value))));
}

/** Claims or any flat document as a table. */
export function showClaims(table, claims) {
  table.replaceChildren(...rows(Object.entries(claims)));
}

/** What we hold, abbreviated, with the time left. */
export function showTokens(table, tokens) {
  const left = Math.max(0, Math.round((tokens.received_at + tokens.expires_in * 1000 - Date.now()) / 1000));
  const ends = left ? `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")} left` : "expired: press Refresh";
  const shown = [["access_token", tokens.access_token], ["expires", ends], ["scope", tokens.scope ?? ""]];
  if (tokens.refresh_token) shown.splice(2, 0, ["refresh_token", tokens.refresh_token]);
  table.replaceChildren(...rows(shown));
}

/** One request and its answer, folded. */
export function showExchange({ method, url, form, bearer, headers = {}, status, answer }) {
  const { host, pathname, search } = new URL(url);
  const bad = typeof status === "number" && (status === 0 || status >= 400);
  const summary = element(
    "summary", "",
    element("span", "method", method), " ",
    element("span", "path", pathname.replace(/[0-9a-f]{24}$/, "…"), " ", element("small", "", (form?.grant_type ?? "").split(":").at(-1))), " ",
    element("span", bad ? "code bad" : "code", String(status || "failed")),
  );
  const sent = [["host", host]];
  if (bearer) sent.push(["Authorization", `Bearer ${abbreviate(bearer)}`]);
  sent.push(...Object.entries(headers), ...new URLSearchParams(search), ...Object.entries(form ?? {}));
  const details = element("details", "exchange", summary, element("h4", "", "Request"), element("dl", "table", ...rows(sent)));
  if (answer !== undefined) details.append(element("h4", "", "Answer"), element("pre", "", answerText(answer)));
  return details;
}

function answerText(answer) {
  if (typeof answer === "string") return answer.slice(0, 500);
  return JSON.stringify(answer, (name, value) => (SECRET.has(name) && typeof value === "string" ? abbreviate(value) : value), 2);
}
