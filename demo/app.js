// The page around oauth.js: buttons, the timeline, and every refusal in plain words.
// Everything shown goes through textContent; tokens live in `tokens` and nowhere else.

import { App, Problem } from "./oauth.js";
import { explain } from "./problems.js";
import { showClaims, showExchange, showNotes, showTokens } from "./show.js";

const $ = (selector) => document.querySelector(selector);
let app;
let tokens = null;

start();

async function start() {
  for (const [id, action] of Object.entries({ "sign-in": signIn, call: callProvider, refresh, revoke })) {
    $(`#${id}`).addEventListener("click", () => attempt(action));
  }
  setInterval(() => tokens && showTokens($("#tokens"), tokens), 1000);
  await attempt(async () => {
    const config = await readConfig();
    app = new App(config, record);
    for (const name of document.querySelectorAll(".provider-name")) name.textContent = config.provider_name ?? config.provider;
    await app.discover();
    mark(1, "done");
    say("Not signed in");
    $("#sign-in").disabled = false;
    if (location.pathname === "/callback") await comeBack(new URLSearchParams(location.search));
  });
}

async function readConfig() {
  const response = await fetch("config.json", { cache: "no-store" });
  if (!response.ok) throw new Problem("unreachable", "config.json cannot be read.");
  return response.json();
}

async function signIn() {
  mark(2, "now");
  location.assign(await app.beginSignIn());
}

async function comeBack(answer) {
  history.replaceState(null, "", "/"); // the code leaves the address bar before anything else happens
  say("Finishing the sign-in …");
  mark(6, "now");
  const { tokens: fresh, asked, claims } = await app.finishSignIn(answer).catch((problem) => {
    if (problem.code === "access_denied") markRefusal();
    throw problem;
  });
  tokens = fresh;
  record(2, { method: "GET", url: asked, status: "sent" });
  for (const step of [2, 3, 4, 5, 6]) mark(step, "done");
  showClaims($("#id-claims"), claims);
  showAccount(claims);
  const profile = await app.userinfo(tokens);
  showClaims($("#profile"), profile);
  showAccount({ ...claims, ...profile });
}

async function callProvider() {
  if (tokens.refresh_token && tokens.received_at + (tokens.expires_in - 10) * 1000 < Date.now()) await refresh();
  mark(7, "now");
  const providerToken = await app.exchange(tokens);
  showNotes($("#notes"), await app.notes(providerToken));
  mark(7, "done");
  say("The provider’s API has answered");
}

async function refresh() {
  tokens = await app.refresh(tokens);
  showTokens($("#tokens"), tokens);
  say("New tokens; the old refresh token is used up");
}

async function revoke() {
  const old = tokens;
  await app.revoke(old);
  tokens = null;
  showSignedOut();
  try {
    await app.userinfo(old, "later"); // the proof: the old token opens nothing any more
  } catch (problem) {
    if (problem.code !== "invalid_token") throw problem;
    say("Access was taken back; the old access token was tried and refused");
  }
}

/** Run one action: buttons off meanwhile, a refusal in plain words afterwards. */
async function attempt(action) {
  const buttons = [...document.querySelectorAll("button:not(:disabled)")];
  for (const button of buttons) button.disabled = true;
  $("#problem").hidden = true;
  try {
    await action();
  } catch (problem) {
    showProblem(problem);
  }
  for (const button of buttons) button.disabled = false;
  $("#refresh").disabled = !tokens?.refresh_token;
}

function showProblem(problem) {
  if (!(problem instanceof Problem)) console.error(problem);
  const { title, todo } = explain(problem);
  $("#problem h2").textContent = title;
  $("#problem .todo").textContent = todo;
  const { reason, missing_scopes, error_id } = problem.document ?? {};
  const details = [problem.code, problem.message, reason, missing_scopes, error_id && `error id ${error_id}`];
  $("#problem .detail").textContent = details.filter(Boolean).join(" · ");
  $("#problem").hidden = false;
  $("#timeline li.now")?.classList.replace("now", "failed");
  say("Something needs your attention");
}

function showAccount({ name, preferred_username, email, sub }) {
  const shown = name ?? preferred_username ?? email ?? sub;
  $(".avatar").textContent = shown.slice(0, 1).toUpperCase();
  $("#account-name").textContent = shown;
  $("#account-mail").textContent = email ?? "";
  showTokens($("#tokens"), tokens);
  $("#welcome").hidden = true;
  $("#account").hidden = false;
  say(`Signed in as ${shown}`);
}

function showSignedOut() {
  for (const id of ["account", "notes"]) $(`#${id}`).hidden = true;
  for (const id of ["tokens", "id-claims", "profile"]) $(`#${id}`).replaceChildren();
  $("#welcome").hidden = false;
  say("Access was taken back");
}

function record(step, exchange) {
  const place = step === "later" ? $("#later") : $(`#step-${step}`);
  place.hidden = false;
  let list = place.querySelector(".exchanges");
  if (!list) place.append((list = Object.assign(document.createElement("div"), { className: "exchanges" })));
  list.append(showExchange(exchange));
}

function mark(step, state) {
  $(`#step-${step}`).classList.remove("now", "done", "failed");
  $(`#step-${step}`).classList.add(state);
}

/** A no was said at step 3: what comes after it was never tried. */
function markRefusal() {
  $("#step-6").classList.remove("now");
  mark(2, "done");
  mark(3, "now");
}

function say(text) {
  $("#status").textContent = text;
}
