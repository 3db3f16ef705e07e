// One exchange opened: request, answer, what was computed, what was stored, and why it failed.

import { nameOf } from "./diagram.js";
import { element, fold, link } from "./dom.js";
import { pkce } from "./pkce.js";

/** Everything as one element; `seek` is called with the number of another exchange that is named in it. */
export function showDetails(shown, seek) {
  return element(
    "article", "opened",
    heading(shown),
    shown.refusal ? refusal(shown.refusal) : "",
    side("Request", `${shown.method} ${shown.url.replace(/\?.*/, "?…")}`, shown.request),
    shown.pkce ? pkce(shown.pkce, seek) : "",
    shown.answered ? side("Answer", shown.answer, shown.response) : element("p", "quiet", "Not answered yet."),
    ...shown.tokens.map(token),
    shown.aws.length ? stored(shown.aws) : "",
    fold("As a curl command", false, element("pre", "command", shown.curl)),
  );
}

function heading(shown) {
  const way = element(
    "p", "way",
    element("span", `lane ${shown.caller}`, nameOf(shown.caller)), " → ",
    element("span", `lane ${shown.callee}`, nameOf(shown.callee)), shown.party ? ` ${shown.party}` : "",
  );
  const title = element("h2", "", `${shown.number}. ${shown.title || shown.path}`);
  title.id = "details-title";
  return element("header", "", title, way);
}

function side(name, line, { parameters, headers, leads_to, page, body }) {
  const told = headers.filter((one) => one.says);
  const rest = headers.filter((one) => !one.says);
  return element(
    "section", "side",
    element("h3", "", name),
    element("p", "line-of", element("code", "", line)),
    leads_to ? element("p", "", "The browser goes on to ", element("code", "", leads_to)) : "",
    page ? element("p", "", "A page: ", element("q", "", page)) : "",
    parameters.length ? element("dl", "words", ...parameters.map(parameter)) : "",
    body ? element("pre", "", body) : "",
    told.length ? fold(`Headers that protect (${told.length})`, false, element("dl", "words", ...told.map(parameter))) : "",
    rest.length ? fold(`Other headers (${rest.length})`, false, element("dl", "plain", ...rest.map(plain))) : "",
  );
}

function parameter({ name, value, secret, says, protects, source, link: href }) {
  return element(
    "div", secret ? "secret" : "",
    element("dt", "", element("code", "", name), secret ? element("span", "tag", "secret") : ""),
    element("dd", "value", element("code", "", String(value))),
    says ? element("dd", "", says) : "",
    protects ? element("dd", "protects", element("b", "", "Protects from "), protects[0].toLowerCase() + protects.slice(1)) : "",
    source ? element("dd", "where", href ? link(source, href) : source) : "",
  );
}

const plain = ({ name, value }) => element("div", "", element("dt", "", name), element("dd", "", String(value)));

function refusal({ says, do: todo, attack, fix, path, differences, evidence, reason, by }) {
  const told = differences.length ? ["expected", "received"] : [];
  const rest = Object.entries(evidence).filter(([name]) => !told.includes(name));
  return element(
    "section", "refusal",
    element("h3", "", "Which check stopped it"),
    element("p", "", says),
    element("ol", "checks", ...path.map(check)),
    ...differences.slice(0, 1).map(difference),
    rest.length ? element("dl", "plain", ...rest.map(([name, value]) => plain({ name, value: [value].flat().join(" ") }))) : "",
    element("p", "", todo, attack ? " If no app of yours did this, it looks like somebody’s attempt: change nothing." : ""),
    fix ? element("pre", "", fix) : "",
    element("p", "quiet", `${reason} · ${by ?? ""} · only the operator learns this; the app is told one registered word`),
  );
}

function check({ check: what, outcome }) {
  const passed = outcome === "passed";
  return element("li", passed ? "held" : "not", element("span", "mark", passed ? "✓" : "✕"), " ", what, element("span", "unseen", passed ? ": holds" : ": does not hold"));
}

function difference({ expected, received, marks }) {
  return element("pre", "difference", `expected  ${expected}\nreceived  ${received}\n          ${marks}`);
}

function token({ name, header, claims, signature, holds, fault, keys, kid }) {
  const said = holds ? `The signature holds: checked with the key ${kid} of ${keys}.` : `The signature is not believed: ${fault}.`;
  return element(
    "section", "token",
    element("h3", "", `${name}, taken apart`),
    element("p", holds ? "verdict good" : "verdict bad", holds ? "✓ " : "✕ ", said),
    element("dl", "claims", ...header.map((one) => claim(one, "head")), ...claims.map((one) => claim(one, "body")), claim({ name: "signature", value: signature, says: "" }, "sign")),
  );
}

const TIMES = new Set(["exp", "iat", "nbf", "auth_time"]);

function claim({ name, value, says }, part) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const shown = TIMES.has(name) ? `${text} (${new Date(value * 1000).toLocaleTimeString()})` : text;
  return element("div", part, element("dt", "", name), element("dd", "", element("code", "", shown), says ? element("span", "says", says) : ""));
}

function stored(calls) {
  const list = calls.map((call, at) => fold(titleOf(call), at === calls.length - 1, ...(call.service === "KMS" ? key(call) : table(call))));
  return element("section", "stored", element("h3", "", "Asked of AWS meanwhile"), ...list);
}

function titleOf({ service, operation, items, refused, context }) {
  const about = items ? items.map((item) => item.key.split("#")[0]) : [context.find((one) => one.startsWith("purpose"))];
  const names = [...new Set(about.filter(Boolean))].join(", ");
  return element("span", refused ? "call refused" : "call", element("b", "", service), ` ${operation} `, element("span", "quiet", refused || names));
}

function key({ context, cipher, plain: what }) {
  return [element("dl", "plain", ...[
    { name: "cipher text", value: cipher },
    { name: "bound to", value: context.join(", ") },
    { name: "answer", value: what },
  ].map(plain))];
}

function table({ items, absent, condition, update }) {
  return [
    condition ? element("p", "", element("b", "", "Only if "), element("code", "", condition)) : "",
    update ? element("p", "", element("b", "", "Change "), element("code", "", update)) : "",
    ...items.map((item) => element("div", "item", element("p", "key", element("code", "", item.key), element("small", "", ` in ${item.table}`)), element("dl", "plain", ...item.attributes.map(attribute)))),
    absent.length ? element("p", "quiet", `Not there: ${absent.join(", ")}`) : "",
  ];
}

function attribute({ name, kind, value }) {
  return element("div", kind.replace(" ", "-"), element("dt", "", name), element("dd", "", element("code", "", value), kind ? element("span", "tag", kind) : ""));
}
