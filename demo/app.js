// The page around the other modules: signing in, one card per provider, and every refusal in plain words.
// Everything shown goes through textContent; tokens live in `session` and nowhere else.

import { Actions } from "./actions.js";
import { Card } from "./card.js";
import { isConnectAnswer, listen, tellOthers } from "./connect.js";
import { App, Problem } from "./oauth.js";
import { detailsOf, explain } from "./problems.js";
import { Session } from "./session.js";
import { showClaims, showTokens } from "./show.js";
import { mark, markFailure, markRefusal, record, say } from "./timeline.js";

const $ = (selector) => document.querySelector(selector);
let session;
let actions;
let cards = [];

start();

async function start() {
  try {
    const config = await readConfig();
    if (config.live) Object.assign($("#live"), { href: config.live, hidden: false });
    const app = new App(config, record);
    session = new Session(app, () => showTokens($("#tokens"), session.tokens));
    for (const name of document.querySelectorAll(".provider-name")) name.textContent = config.providers[0].name;
    if (config.choose) $("#welcome h1").textContent = "Sign in with one of your accounts. This page has no key to it.";
    const answer = location.pathname === "/callback" ? new URLSearchParams(location.search) : null;
    if (answer) history.replaceState(null, "", "/"); // the code leaves the address bar before anything else happens
    if (answer && isConnectAnswer(answer)) return finishConnect(app, answer);
    prepare(app);
    await attempt(async () => {
      await app.discover();
      mark(1, "done");
      say("Not signed in");
      $("#sign-in").disabled = false;
      if (answer) await comeBack(answer);
    });
  } catch (problem) {
    showProblem(problem);
  }
}

async function readConfig() {
  const response = await fetch("config.json", { cache: "no-store" });
  if (!response.ok) throw new Problem("unreachable", "config.json cannot be read.");
  return response.json();
}

function prepare(app) {
  cards = app.config.providers.map((provider) => new Card(provider, act));
  actions = new Actions(session, cards);
  $("#cards").replaceChildren(...cards.map((card) => card.root));
  for (const [id, action] of Object.entries({ "sign-in": signIn, refresh, revoke })) {
    $(`#${id}`).addEventListener("click", () => attempt(action));
  }
  $("#my-access").href = `${app.config.issuer}/account`;
  listen(app, (told) => attempt(() => actions.hear(told)));
  setInterval(tick, 1000);
}

function act(card, action) {
  return attempt(() => actions.run(card, action), card);
}

async function signIn() {
  mark(2, "now");
  location.assign(await session.app.beginSignIn());
}

async function comeBack(answer) {
  const { app } = session;
  say("Finishing the sign-in …");
  mark(6, "now");
  const { tokens, asked, claims } = await app.finishSignIn(answer).catch((problem) => {
    if (problem.code === "access_denied") markRefusal();
    throw problem;
  });
  session.tokens = tokens;
  record(2, { method: "GET", url: asked, status: "sent" });
  for (const step of [2, 3, 4, 5, 6]) mark(step, "done");
  showClaims($("#id-claims"), claims);
  showAccount(claims);
  const profile = await app.userinfo(tokens);
  showClaims($("#profile"), profile);
  showAccount({ ...claims, ...profile });
  await actions.show();
  for (const card of cards) if (card.ended.length) card.showEnding(card.ended.at(-1));
}

/** The tab that a connect came back in: all that it does is to tell the others. */
function finishConnect(app, answer) {
  const told = tellOthers(app, answer);
  const { title, todo } = told.error ? explain(new Problem(told.error, "")) : {};
  for (const part of ["#welcome", ".right"]) $(part).hidden = true;
  $("#connected").hidden = false;
  $("#connected").classList.toggle("not", "error" in told);
  $("#connected .outcome").textContent = told.error ? "–" : "✓";
  $("main").classList.add("alone");
  $("#connected h1").textContent = title ?? (told.missing_scopes ? "Connected, with less than was asked" : "Connected");
  $("#connected p").textContent = `${todo ?? "The app knows already."} You can close this tab and go on in the other one.`;
  say(told.error ? "Nothing was connected" : "Connected");
}

async function refresh() {
  await session.refresh();
  say("New tokens; the old refresh token is used up");
}

async function revoke() {
  const { app, tokens } = session;
  await app.revoke(tokens);
  session.tokens = null;
  showSignedOut();
  try {
    await app.userinfo(tokens, "later"); // the proof: the old token opens nothing any more
  } catch (problem) {
    if (problem.code !== "invalid_token") throw problem;
    say("Access was taken back; the old access token was tried and refused");
  }
}

/** Run one action in its turn: buttons off meanwhile, a refusal in plain words afterwards, in its card or above. */
function attempt(action, card) {
  return session.inTurn(async () => {
    const focused = document.activeElement;
    const buttons = [...document.querySelectorAll("button:not(:disabled)")];
    for (const button of buttons) button.disabled = true;
    $("#problem").hidden = true;
    try {
      await action();
    } catch (problem) {
      markFailure();
      if (card && session.tokens) card.showProblem(session.app, problem);
      else showProblem(problem);
    }
    for (const button of buttons) button.disabled = false;
    $("#refresh").disabled = !session.tokens?.refresh_token;
    if (document.activeElement === document.body) focused?.focus(); // a button that was off has lost it
  });
}

function showProblem(problem) {
  if (!(problem instanceof Problem)) console.error(problem);
  const { title, todo } = explain(problem);
  $("#problem h2").textContent = title;
  $("#problem .todo").textContent = todo;
  $("#problem .detail").textContent = detailsOf(problem);
  $("#problem").hidden = false;
}

function showAccount({ name, preferred_username, email, sub }) {
  const shown = name ?? preferred_username ?? email ?? sub;
  $(".avatar").textContent = shown.slice(0, 1).toUpperCase();
  $("#account-name").textContent = shown;
  $("#account-mail").textContent = email ?? "";
  showTokens($("#tokens"), session.tokens);
  $("#welcome").hidden = true;
  $("#account").hidden = false;
  say(`Signed in as ${shown}`);
}

function showSignedOut() {
  $("#account").hidden = true;
  for (const id of ["tokens", "id-claims", "profile"]) $(`#${id}`).replaceChildren();
  for (const card of cards) card.clear();
  $("#welcome").hidden = false;
  say("Access was taken back");
}

function tick() {
  if (!session.tokens) return;
  showTokens($("#tokens"), session.tokens);
  for (const card of cards) card.tick();
}
